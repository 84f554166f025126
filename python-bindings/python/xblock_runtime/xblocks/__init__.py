"""Native blocks as XBlock classes: the classes behind the entry points of group ``xblock.v1``.

They need the XBlock package. Fields, defaults and help come from the Rust declaration; views, handlers and OLX are the
native ones.
"""

from xblock_runtime.xblocks.base import NativeXBlock, native_class
from xblock_runtime.xblocks.search import index_dictionary, problem_index_dictionary

HtmlBlock = native_class("html", "HtmlBlock", index_dictionary=index_dictionary("Text", "html_content"))
ProblemBlock = native_class("problem", "ProblemBlock", index_dictionary=problem_index_dictionary)
VideoBlock = native_class("video", "VideoBlock", index_dictionary=index_dictionary("Video"))

__all__ = ["HtmlBlock", "NativeXBlock", "ProblemBlock", "VideoBlock", "native_class"]
