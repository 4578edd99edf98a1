"""What wa puts into the files of other programs: rendered, shown first, and taken out again."""
