//! What `--json` prints of scripts is read by other programs: its shape is kept, letter for letter but
//! for times, memory and hashes. These commands need no project.

use crate::{scripts::HEAD, tenants::Office};

const OURS: &str = "// crosswave-api: 1\n// crosswave-base: none\n\
                    fn map_user(source, target, ctx) {\n    target.city = source.city;\n}\n";

/// A good script, and one with a misspelt name, in one answer: each says for itself how it is.
#[test]
fn a_check_as_json() {
    let office = Office::open(1);
    office.write("ours.rhai", OURS);
    office.write("bad.rhai", &format!("{HEAD}    target.companyNam = \"Fabrikam\";\n}}\n"));
    let said = office.refused(&["script", "check", "ours.rhai", "bad.rhai", "--json"], 2);
    let golden = r#"[
  {
    "script": "ours.rhai",
    "passed": true,
    "hash": "HASH",
    "entries": [
      "map_user"
    ],
    "findings": []
  },
  {
    "script": "bad.rhai",
    "passed": false,
    "entries": [],
    "findings": [
      {
        "severity": "error",
        "code": "E006",
        "message": "unknown attribute `companyNam`",
        "script": "bad.rhai",
        "line": 3,
        "column": 12,
        "width": 10,
        "source_line": "    target.companyNam = \"Fabrikam\";",
        "help": "did you mean `companyName`?"
      }
    ]
  }
]
"#;
    assert_eq!(without_measures(&said), golden);
}

/// A red case with what differs, where, and everything that came.
#[test]
fn tests_as_json() {
    let office = Office::open(1);
    office.write("ours.rhai", OURS);
    office.write(
        "ours.tests.toml",
        "[[case]]\nname = \"the city\"\nsource = { city = \"Oslo\" }\n\
         [case.expect.attributes]\ncity = \"Bergen\"\n",
    );
    let said = office.refused(&["script", "test", "ours.rhai", "--json"], 2);
    let golden = r#"[
  {
    "cases": [
      {
        "cost": {
          "micros": 0,
          "operations": 9,
          "peak_bytes": 0
        },
        "differences": [
          {
            "expected": "Bergen",
            "got": "Oslo",
            "place": "attributes.city"
          }
        ],
        "name": "the city",
        "observed": {
          "attributes": {
            "city": "Oslo"
          },
          "warnings": []
        }
      }
    ],
    "coverage": {
      "attributes": 1,
      "lines": 1,
      "missed_attributes": [],
      "missed_lines": []
    },
    "hash": "HASH",
    "passed": false,
    "script": "ours.rhai"
  }
]
"#;
    assert_eq!(without_measures(&said), golden);
}

/// Tests that cannot be run are an answer too, and hold back no other script's.
#[test]
fn tests_that_cannot_be_run_as_json() {
    let office = Office::open(1);
    for (name, script, tests) in [
        ("bad", "fn map_user(source, target, ctx) {}\n", "[[case]]\nname = \"c\"\n"),
        ("none", OURS, ""),
        ("ours", OURS, "[[case]]\nname = \"c\"\n"),
    ] {
        office.write(&format!("{name}.rhai"), script);
        office.write(&format!("{name}.tests.toml"), tests);
    }
    let files = ["bad.rhai", "none.rhai", "ours.rhai"];
    let said = office.refused(&[["script", "test", "--json"], files].concat(), 2);
    let answers: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    let golden = r#"[
  {
    "check": [
      {
        "code": "E011",
        "column": 1,
        "help": "begin the script with `// crosswave-api: 1`",
        "line": 1,
        "message": "the first line does not name the API version",
        "script": "bad.rhai",
        "severity": "error",
        "source_line": "fn map_user(source, target, ctx) {}",
        "width": 35
      }
    ],
    "passed": false,
    "script": "bad.rhai"
  },
  {
    "passed": false,
    "problem": "none.tests.toml: there is no `[[case]]`",
    "script": "none.rhai"
  }
]"#;
    assert_eq!(serde_json::to_string_pretty(&answers[..2]).unwrap(), golden);
    assert_eq!(answers[2]["passed"], true);
    let said = office.refused(&[["script", "test"].as_slice(), &files].concat(), 2);
    for part in ["error[E011]", "none.tests.toml: there is no `[[case]]`", "ours.rhai: 1 cases"] {
        assert!(said.contains(part), "{said}");
    }
}

/// A value with the place that set it; and an error with its place.
#[test]
fn a_trial_as_json() {
    let office = Office::open(1);
    office.write("ours.rhai", OURS);
    let tried = office.well(&["script", "try", "ours.rhai", "--json"]);
    let golden = r#"{
  "entry": "map_user",
  "hash": "HASH",
  "passed": true,
  "patch": {
    "cost": {
      "micros": 0,
      "operations": 9,
      "peak_bytes": 0
    },
    "values": {
      "city": {
        "assignment": {
          "value": "Madrid"
        },
        "column": 11,
        "line": 4,
        "script": "ours.rhai"
      }
    },
    "verdict": "go_on"
  },
  "script": "ours.rhai"
}
"#;
    assert_eq!(without_measures(&tried), golden);
    office.write("bad.rhai", &format!("{HEAD}    target.usageLocation = source.country;\n}}\n"));
    let tried = office.refused(&["script", "try", "bad.rhai", "--json"], 2);
    let golden = r#"{
  "entry": "map_user",
  "error": {
    "code": "R002",
    "column": 12,
    "cost": {
      "micros": 0,
      "operations": 9,
      "peak_bytes": 0
    },
    "help": "use ISO 3166 in capital letters, \"DE\", \"US\"; `country_code(source.country)` gives it",
    "line": 3,
    "message": "`usageLocation` is \"Spain\", not a two-letter country code",
    "script": "bad.rhai",
    "severity": "error",
    "source_line": "    target.usageLocation = source.country;",
    "value": "Spain",
    "width": 13
  },
  "hash": "HASH",
  "passed": false,
  "script": "bad.rhai"
}
"#;
    assert_eq!(without_measures(&tried), golden);
}

/// The JSON with nothing in the place of a hash, and no time and memory.
fn without_measures(json: &str) -> String {
    let plain = |line: &str| {
        let Some((name, value)) = line.split_once(": ") else { return line.to_owned() };
        let end = if value.ends_with(',') { "," } else { "" };
        match name.trim() {
            "\"hash\"" => format!("{name}: \"HASH\"{end}"),
            "\"micros\"" | "\"peak_bytes\"" => format!("{name}: 0{end}"),
            _ => line.to_owned(),
        }
    };
    json.lines().map(|line| plain(line) + "\n").collect()
}
