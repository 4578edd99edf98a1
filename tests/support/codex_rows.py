"""Rows that Codex 0.169 draws, and a rule of a user's for it."""

BANNER = ["  >_ OpenAI Codex (v0.169.0)", "     /work", ""]
COMPOSER = ["", "› Ask Codex to do anything", "", "  GPT-6-Sol default · /work", "  ← for agents · ? for shortcuts"]
WORKING = ["• Working (2s • esc to interrupt)"]
LIMIT = ["■ You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage or try again at 6:38 AM."]
DIALOG = [
    "  Would you like to run the following command?",
    "",
    "  $ rm -r build",
    "",
    "› 1. Yes, proceed (y)",
    "  2. No, and tell Codex what to do differently (esc)",
    "",
    "  Press enter to confirm or esc to cancel",
]
MINE = """name = "codex"
[[rule]]
id = "codex.mine.deploy"
event = "waiting.choice"
region = "dialog"
anchors = ["Deploy to production?"]
match = ['(?P<question>Deploy to production\\?)']
seen = "mine; 2026-11-21"
"""
