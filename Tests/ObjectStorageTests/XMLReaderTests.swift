import Testing

@testable import ObjectStorage

@Suite("XML of S3")
struct XMLReaderTests {
    private func read(_ text: String) throws(XMLRefusal) -> XMLElement {
        try XMLReader.read(Array(text.utf8))
    }

    @Test("is read with namespaces, entities, comments and character data")
    func reads() throws {
        let root = try read(
            """
            \u{feff}<?xml version='1.0' encoding="UTF-8"?>
            <!-- one --><s3:List xmlns:s3="http://x/" b = 'c>d'><Key>a&amp;b&lt;&#99;&#x263A;&quot;&apos;&gt;</Key>
            <Empty/><Empty a=""></Empty ><Key><![CDATA[<raw>&amp;]]>!</Key><!-- two --></s3:List>

            """
        )
        #expect(root.name == "List")
        #expect(root["Key"] == "a&b<c☺\"'>")
        #expect(root.children.map(\.name) == ["Key", "Empty", "Empty", "Key"])
        #expect(root.children.last?.text == "<raw>&amp;!")
        #expect(root["Nothing"] == nil)
    }

    @Test(
        "that is malformed or does what S3 never does is refused",
        arguments: [
            "", "text", "<", "<a", "<a>", "<a></b>", "<a></a", "<a/><b/>", "<a/>x", "<a>&b;</a>", "<a>&#0;</a>",
            "<a>&#xD800;</a>", "<a>&#x;</a>", "<a>&#-1;</a>", "<a>&#+65;</a>", "<a>&#1114112;</a>", "<a>&amp</a>",
            "<a>\u{1}</a>", "<a b></a>", "<a b=c></a>", "<a b=\"<\"></a>", "<a b='c'd='e'></a>", "<a><!-- </a>",
            "<a><![CDATA[</a>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><?php ?></a>", "<1a/>", "< a/>",
            "<?xml", "<a>" + String(repeating: "<b>", count: 1_000_000), "<\(String(repeating: "a", count: 200))/>",
            String(repeating: "<a>", count: 17) + String(repeating: "</a>", count: 17), "<html><br></html>",
        ]
    )
    func refuses(_ text: String) {
        #expect(throws: XMLRefusal.self) { try read(text) }
    }

    @Test("that is not UTF-8 is refused")
    func encoding() {
        #expect(throws: XMLRefusal.self) { try XMLReader.read(Array("<a>".utf8) + [0xFF] + Array("</a>".utf8)) }
    }

    @Test("never traps, whatever byte of an answer is changed or missing")
    func mutations() throws {
        let text = "<?xml version='1.0'?><List x='y'><Key>a&amp;b</Key><!-- c --><Empty/><![CDATA[d]]></List>"
        let bytes = Array(text.utf8)
        for index in bytes.indices {
            for byte in [UInt8(0), 0x20, 0x26, 0x2F, 0x3C, 0x3E, 0x21, 0x5D, 0x80, 0xFF] {
                var changed = bytes
                changed[index] = byte
                _ = Result { try XMLReader.read(changed) }
            }
            _ = Result { try XMLReader.read(Array(bytes[..<index])) }
            _ = Result { try XMLReader.read(Array(bytes[index...])) }
        }
    }
}
