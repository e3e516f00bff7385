//! What a hostile text costs the process that checks it. A draft is checked by the host, and so is a
//! published version before its first call; only calls run in workers. So the check is bounded by
//! itself.

use std::fmt::Write as _;

use scripting::{Script, ScriptOptions};

use crate::support::HEAD;

/// The most bytes of a script's text.
const MOST_BYTES: usize = 64 << 10;
/// The most memory that a check takes, in bytes.
const MOST_MEMORY: u64 = 16 << 20;
/// The most processor time: a build without optimisation takes half a second for the worst of
/// these texts.
const MOST_MICROS: u64 = 2_000_000;

/// As much of a piece as fits into the largest script; `{i}` in it is a number.
fn filled(before: &str, piece: &str, after: &str) -> String {
    let mut text = format!("{HEAD}{before}");
    for i in 0.. {
        let piece = piece.replace("{i}", &i.to_string());
        if text.len() + piece.len() + after.len() > MOST_BYTES {
            break;
        }
        text += &piece;
    }
    text + after
}

#[test]
fn no_text_costs_the_check_much() {
    const MAP: &str = "fn map_user(source, target, ctx) {";
    let of = |piece: &str| filled(MAP, piece, "}");
    let list = |piece: &str| filled("fn map_user(source, target, ctx) { let x = [", piece, "]; }");
    let functions = |body: &str| {
        let many: String = (0..90).fold(String::new(), |mut all, i| {
            write!(all, "fn f{i}(s){{{body}}}").unwrap();
            all
        });
        filled(&many, "\n", "")
    };
    let texts = [
        ("numbers", list("1,")),
        ("fractions", of("let x=1.5;\n")),
        ("whole numbers too large", of("let x=9223372036854775808;\n")),
        ("texts", list("\"\",")),
        ("different texts", list("\"{i}\",")),
        ("maps", list("#{},")),
        ("maps of a key", list("#{a:1},")),
        ("names", list("x{i},")),
        ("interpolations", list("`${1}`,")),
        ("one text of many parts", filled("fn map_user(source, target, ctx) { `", "${1}", "`; }")),
        ("closures", list("|x|x,")),
        ("closures in calls", of("[].map(|x|x);")),
        ("closures that capture", of("[].map(||source);")),
        ("sums", filled("fn map_user(source, target, ctx) { 1", "+1", "; }")),
        ("chains", filled("fn map_user(source, target, ctx) { x", ".a", "; }")),
        ("calls chained", filled("fn map_user(source, target, ctx) { x", ".a()", "; }")),
        ("brackets", filled("fn map_user(source, target, ctx) { ", "(", "")),
        ("lists in lists", filled("fn map_user(source, target, ctx) { ", "[", "")),
        ("maps in maps", filled("fn map_user(source, target, ctx) { ", "#{a:", "")),
        ("blocks in blocks", filled("fn map_user(source, target, ctx) { ", "{", "")),
        ("ifs in ifs", filled("fn map_user(source, target, ctx) { ", "if true{", "")),
        (
            "else ifs",
            filled("fn map_user(source, target, ctx) { if true { }", "else if true {}", "}"),
        ),
        ("signs", filled("fn map_user(source, target, ctx) { ", "!", "1; }")),
        ("texts in texts", filled("fn map_user(source, target, ctx) { ", "`${", "")),
        ("variables", of("let x{i}=1;")),
        ("one variable", of("let x=1;")),
        ("unknown functions", of("zz{i}();")),
        ("unknown functions on lines", of("zz{i}();\n")),
        ("known functions", of("upper(1);")),
        ("unknown attributes", of("source.zz{i};\n")),
        ("known attributes", of("source.city;")),
        ("assignments", of("target.city=1;\n")),
        ("aliases", of("let a=source;a.x;")),
        ("patterns", of("matches(1,\"(a{90}){90}{i}\");")),
        ("patterns of classes", of("matches(1,\"\\\\w{40}\\\\W{9}{i}\");")),
        ("cases", filled("fn map_user(source, target, ctx) { switch 1 {", "{i}=>1,", "} }")),
        ("ranges", filled("fn map_user(source, target, ctx) { switch 1 {", "{i}..9=>1,", "} }")),
        ("constants", filled("", "const A{i}=1;", "fn map_user(source, target, ctx) { }")),
        ("functions", filled("fn map_user(source, target, ctx) { }", "fn f{i}(){}", "")),
        ("functions that call all", functions("f1(s);f20(s);f40(s);f60(s);f80(s);")),
        ("parameters", filled("fn f(a", ",a{i}", ") { }")),
        (
            "characters that turn",
            filled("// ", "\u{202e}", "\nfn map_user(source, target, ctx) { }"),
        ),
        ("characters that turn, on lines", filled("", "//\u{202e}\n", "")),
        ("code outside", filled("", "x();\n", "")),
        ("empty statements", of(";")),
        ("comments", filled("", "/*", "")),
        ("lines", filled("", "\n", "fn map_user(source, target, ctx) { }")),
        ("an open text", filled("fn map_user(source, target, ctx) { \"", "a", "")),
        ("escapes", filled("fn map_user(source, target, ctx) { \"", "\\x41", "\"; }")),
        ("parks", filled("fn notify(event, user, ctx) {", "park(1);\n", "}")),
        ("files", filled("fn notify(event, user, ctx) {", "#{to:1,attach:\"{i}.pdf\"};\n", "}")),
        (
            "files of one message",
            filled("fn notify(event, user, ctx) { #{to:1,attach:[", "\"{i}\",\n", "]} }"),
        ),
    ];
    let mut report = String::new();
    for (name, text) in texts {
        assert!(text.len() <= MOST_BYTES, "{name}: {} bytes", text.len());
        let (compiled, cost) = Script::compile_measured("t", &text, ScriptOptions::default());
        let found = compiled.map_or_else(|found| found.len(), |script| script.warnings().len());
        if cost.micros > MOST_MICROS || cost.peak_bytes > MOST_MEMORY || found > 200 {
            let (ms, kib) = (cost.micros / 1000, cost.peak_bytes >> 10);
            writeln!(report, "{name}: {ms} ms, {kib} KiB, {found} findings").unwrap();
        }
    }
    assert!(report.is_empty(), "{report}");
}
