"""What can be seen of a text."""

import re
import unicodedata

# Controls, formats, lone surrogates, spaces, the separators of lines and paragraphs, and marks, which need a letter.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"})
# Letters and a symbol that are blank, and code points kept for what will be ignored (Default_Ignorable_Code_Point).
_BLANKS = re.compile("[\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]")


def is_blank(text: str) -> bool:
    """Whether nothing of it can be seen: it has no character but spaces, invisible ones (UAX #44) and bare marks.

    What this Python's Unicode does not know yet counts as seen: it may be a new emoji.
    """
    return all(unicodedata.category(sign) in _UNSEEN or _BLANKS.match(sign) for sign in text)
