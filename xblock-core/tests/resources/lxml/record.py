"""Record what lxml makes of small documents: python record.py > cases.json (needs lxml)."""

import json
import sys

from lxml import etree

TEXTS = r"""
<a:b/>
<a x:y="1"/>
<a><!-- a -- b --></a>
<a><!-- a ---></a>
<a>]]></a>
<a>] ]> ></a>
<a b="<"/>
<a b="1"b2="2"/>
<a b="1" b="2"/>
<a>&nbsp;</a>
<a>&#11;</a>
<a>&#x1F600;&#169;</a>
<a>&#xD;x\r\ny\rz</a>
<a b=" x\n y\r\n\tz&#10;&#13;&#9; "/>
<a b='"&apos;'/>
<!DOCTYPE a [<!ENTITY x "<b>hi</b>&y;"><!ENTITY y "why">]><a p="&y;">&x;</a>
<!DOCTYPE a SYSTEM "x.dtd"><a>&x;</a>
<!DOCTYPE a SYSTEM "x.dtd"><a>x</a>
<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>
<!DOCTYPE a [<!ATTLIST a z CDATA "def"><!-- > --><?p > ?>]><a/>
<!DOCTYPE a [<!ENTITY e "&e;">]><a>&e;</a>
<!DOCTYPE a [<!ENTITY e "<b>">]><a>&e;</b></a>
<!DOCTYPE a [<!ENTITY e "</a>">]><a>&e;</a>
<!DOCTYPE a [<!ENTITY e "x&#38;lt;y">]><a>&e;</a>
<!DOCTYPE a [<!ENTITY e "x&lt;y">]><a b="&e;">&e;</a>
<!DOCTYPE a [<!ENTITY e "x<y/>">]><a b="&e;"/>
<!DOCTYPE a [<!ENTITY e "one"><!ENTITY e "two">]><a>&e;</a>
<!DOCTYPE a [<!ENTITY e " ">]><a>&e;<b/> <c/></a>
<!DOCTYPE a [<!ENTITY e "l1\nl2\tt">]><a b="&e;">&e;</a>
<a/>x
<a/><b/>
<a/><!-- after -->
 <a/>
x<a/>
<a xmlns="u"><b/></a>
<a xmlns:x="u"><x:b x:c="1" d="2"/></a>
<a xmlns:x="u"><b xmlns:x="v"><x:c/></b><x:d/></a>
<a xmlns="u"><b xmlns=""><c/></b></a>
<a xmlns:x="u" xmlns:y="u" x:p="1" y:p="2"/>
<a xmlns:x=""/>
<a xmlns:x="1" xmlns:x="2"/>
<a xml:lang="en" xml:space="preserve"> <b/> </a>
<?xml version="1.0"?><a/>
<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n<a/>
<a><?xml version="1.0"?></a>
<a><?pi?><?pi  x ?></a>
<a>&lt;&gt;&amp;"'\t</a>
<a b="&lt;&gt;&amp;&quot;'&#9;é"/>
<1a/>
<a></b>
<a>
<a><b></a></b>
</a>
<a:b:c xmlns:a="u"/>
<é ü="1"/>
<a \n/>
<a\n></a\n>
<a b = "1"/>
< a/>
<a b=c/>
<a b/>
<a b="1/>
<a>&</a>
<a>a & b</a>
<a>&amp</a>
<a b="a & b"/>
<a b="x&y"/>
<a>&#0;</a>
<a>&#xFFFE;</a>
<a>&#;</a>
<a>&#x;</a>
<a>&#xg;</a>
<a>&#99999999999;</a>
<a>é\u0085\u2028</a>
<a><![CDATA[<b> & ]] >]]></a>
<a>x<![CDATA[y]]>z</a>
<a><![CDATA[]]></a>
<a></a>
<a> <b/> </a>
<a> </a>
<a> x<b/> <c/> </a>
<a><b/> x <c/> <d/></a>
<a><b/>x<c/> <d> <e/> </d></a>
<a> &#32; <b/></a>
<a><b/>&#32;<c/></a>
<a><b/>&amp;<c/> <d/></a>
<a>\r\n <b/>\r\n</a>
<a xml:space="preserve"> <b/> <c xml:space="default"> <d/> </c></a>
<a xml:space="default">x <b/> <c/> </a>
<a> <!-- x --> <b/> </a>
<a><![CDATA[ ]]> <b/> <c/></a>
<a> <![CDATA[]]> <b/></a>
<a><b/> <![CDATA[x]]> <c/> </a>
<a><b/><![CDATA[x]]><c/> </a>
<a> &amp; <b/></a>
<a><?p?> <b> </b> </a>
<a>\u00a0<b/>\u2003<c/></a>
<a><b> </b>  </a>
<a> <b/> t</a>
<a> <b/> <c/>t</a>
<p><a><b>x</b><!--c--><?p q?></a><c> </c><d>t<e><f/></e></d></p>
<p><a>\n</a><b>\n<c/>\n</b></p>
<a b="1"\tc="2"\n\n d="3"></a >
<a><b c="d"/ ></a>
<a><!></a>
<a><!ELEMENT b></a>
<!-- before --><?p q?><a/><!-- after -->
<!DOCTYPE a><!DOCTYPE a><a/>
<a><?xml-stylesheet x?></a>
<a><?XML x?></a>
<a><? x?></a>
<a> \r\n</a>
<a> \r\nx</a>
<a>\r\n\r\n</a>
<a> \r\n\r\n</a>
<a> \ry</a>
<a><b/> \r\n&amp;</a>
<a><b/>\r\n\u00e9 \r\n</a>
<!DOCTYPE a [<!ENTITY e "E<i> </i> ">]><a><!-- c -->&e;<b/>\r\n</a>
<!DOCTYPE a [<!ENTITY e "E<i> </i> ">]><a>&e; <b/></a>
<!doctype a><a/>
<a><!--></a>
<a><!---></a>
<?xml?><a/>
\ufeff\ufeff<a/>
"""


def write(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except (etree.XMLSyntaxError, ValueError):
        return None


def main():
    texts = [bytes(t, "utf-8").decode("unicode_escape").encode("latin-1").decode("utf-8") if "\\u" not in t
             else t.encode("latin-1", "backslashreplace").decode("unicode_escape")
             for t in TEXTS.strip("\n").split("\n")]
    cases = []
    for text in texts:
        case = {"text": text}
        for name, options in (("plain", {}), ("no_blanks", {"remove_blank_text": True})):
            root = write(etree.fromstring, text.encode("utf-8"), etree.XMLParser(**options))
            if root is None:
                continue
            case[name] = {
                "unicode": etree.tostring(root, encoding="unicode"),
                "pretty": etree.tostring(root, encoding="unicode", pretty_print=True),
                "ascii": etree.tostring(root).decode("ascii"),
                "children": [etree.tostring(child, encoding="unicode") for child in root],
                "tags": [e.tag if isinstance(e.tag, str) else None for e in root.iter()],
                "attributes": [list(map(list, e.attrib.items())) for e in root.iter() if isinstance(e.tag, str)],
                "text": root.text,
                "all_text": root.xpath("string()"),
            }
        cases.append(case)
    json.dump({"lxml": etree.__version__, "libxml2": etree.LIBXML_VERSION, "cases": cases}, sys.stdout,
              ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


main()
