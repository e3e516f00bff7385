use super::*;

fn file(name: &str, text: &str) -> LibraryFile {
    LibraryFile::new(name, text.as_bytes().to_vec())
}

fn faults(name: &str, text: &str) -> Vec<String> {
    let found = Library::new([file(name, text)]).check();
    found.iter().map(|found| format!("{}: {}", found.code, found.message)).collect()
}

fn vars(pairs: &[(&str, &str)]) -> Map {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

#[test]
fn a_value_cannot_break_out_of_a_template() {
    let library = Library::new([
        file("moved.html", "<p>Dear {name}: <a href=\"{link}\">here</a></p>"),
        file("moved.txt", "Dear {name}, {{ {link} }}"),
        file("move.ics", "SUMMARY:{name}\r\n"),
    ]);
    assert_eq!(library.check(), []);
    let values = vars(&[
        ("name", "<script>x</script>\nEND:VEVENT;a,b\\c"),
        ("link", "https://x.example/\"onload=\"y"),
    ]);
    let (html, is_html) = library.body("moved.html", &values).unwrap();
    assert!(is_html && html.starts_with("<p>Dear &lt;script&gt;x&lt;/script&gt;"), "{html}");
    assert!(html.contains("href=\"https://x.example/&quot;onload=&quot;y\""), "{html}");
    let (text, is_html) = library.body("moved.txt", &values).unwrap();
    assert!(!is_html && text.ends_with("{ https://x.example/\"onload=\"y }"), "{text}");
    let calendar = library.attachment("move.ics", &values).unwrap();
    let wanted = "SUMMARY:<script>x</script>\\nEND:VEVENT\\;a\\,b\\\\c\r\n";
    assert_eq!(calendar.text.as_deref(), Some(wanted));
}

/// A browser leaves line breaks and tabs of an address out, so it would lead where nobody looked.
#[test]
fn a_link_with_spaces_in_it_is_refused() {
    let library = Library::new([file("a.html", "<a href=\"{link}\">x</a>")]);
    for link in ["https:/\n/evil.example", "java\tscript:x", "https://evil.example/ x"] {
        let why = library.body("a.html", &vars(&[("link", link)])).unwrap_err().message;
        assert!(why.contains("is no address for a link"), "{why}");
    }
}

#[test]
fn html_that_loads_runs_or_hides_something_is_refused_when_the_script_is_checked() {
    for text in [
        "<script>x</script>",
        "<img src=\"https://x.example/y\">",
        "<p onclick=\"x\">",
        "<a href=\"http://x.example\">x</a>",
        "<a href=\"javascript:x\">x</a>",
        "<a href=\"//x.example\">x</a>",
        "<a href=\"https://x.exam\nple\">x</a>",
        "<a href=\"&#104;ttps://x.example\">x</a>",
        "<a href=\"https://x.example?a=1&#38;b\">x</a>",
        "<a href='https://x.example'>x</a>",
        "<a href=https://x.example>x</a>",
        "<a HREF=\"ftp://x.example\">x</a>",
        "<p style=\"background:URL(x)\">",
        "<p style=\"width:{w}\">",
        "<p class=\"{c}\">",
        "<{tag}>",
        "<p {attribute}=\"x\">",
        "<p",
        "<p class=\"a>b\">",
        "<!-- x -->",
        "<!--[if mso]><script>x</script><![endif]-->",
        "<base href=\"https://x.example\">",
        "<meta http-equiv=\"refresh\" content=\"0\">",
        "<form action=\"https://x.example\">",
        "evil&period;example",
        "evil&#46;example/login",
        "R&D",
        "5 > 3",
        "{name",
        "name}",
    ] {
        assert_eq!(faults("a.html", text).len(), 1, "{text}");
    }
    for text in [
        "<!DOCTYPE html><html lang=\"en\"><head><title>x</title></head><body>x</body></html>",
        "<p style=\"color:#333;font:12px Arial\">R&amp;D {name} {{x}}</p><br/><hr />",
        "<a class=\"b\" href=\"https://x.example/a?b=1&amp;c=2\">x</a><a href=\"{link}\">y</a>",
        "<table border=\"0\"><tr><td colspan=\"2\">ü€ &lt;&gt;&nbsp;</td></tr></table>",
    ] {
        assert_eq!(faults("a.html", text), [""; 0], "{text}");
    }
}

#[test]
fn a_fault_has_its_place_in_the_file() {
    let found = Library::new([file("a.html", "<p>\n  <img>\n</p>")]).check().remove(0);
    assert_eq!((found.code, found.line, found.column), (Code::E015, Some(2), Some(4)));
    assert!(found.message.contains("no tag <img>"), "{found:?}");
}

#[test]
fn only_files_that_a_mail_program_does_not_run_are_sent_and_only_small_ones() {
    for name in ["a.exe", "a.htm", "a", "a.svg", "../a.txt", "a.js", "a\n.txt"] {
        assert_eq!(faults(name, "x").len(), 1, "{name}");
    }
    assert_eq!(faults("a.txt", &"x".repeat(MOST_TEMPLATE_BYTES + 1)).len(), 1);
    assert_eq!(faults("a.pdf", &"x".repeat(MOST_ATTACHED_BYTES + 1)).len(), 1);
    assert_eq!(faults("a.url", "https://x.example/guide\n"), [""; 0]);
    assert_eq!(faults("a.url", "javascript:x").len(), 1);
    let many = (0..51).map(|n| file(&format!("{n}.txt"), "x"));
    assert_eq!(Library::new(many).check().len(), 1);
    let large = (0..5).map(|n| LibraryFile::new(format!("{n}.pdf"), vec![0xff; 2 << 20]));
    assert!(Library::new(large).check()[0].message.contains("more than 8 MiB"));
}

#[test]
fn what_people_read_of_html_and_where_its_links_lead() {
    let body =
        "<p>R&amp;amp;D</p>a<b>b</b> <a HREF=\"https://x.example/a?b&amp;c\" class=\"d\">go</a>";
    let (read, links) = words(body);
    assert_eq!(read.split_whitespace().collect::<Vec<_>>(), ["R&amp;D", "a", "b", "go"]);
    assert_eq!(links, ["https://x.example/a?b&c"]);
}

#[test]
fn a_library_travels_as_json_and_keeps_every_byte() {
    let library = Library::new([LibraryFile::new("a.pdf", vec![0, 255, 10]), file("b.txt", "ä")]);
    let json = serde_json::to_string(&library).unwrap();
    assert_eq!(serde_json::from_str::<Library>(&json).unwrap(), library);
    assert_eq!(library.files()[0].base64(), "AP8K");
}
