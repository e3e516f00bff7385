//! Scripts that nobody wrote: pieces of every shipped, faulty and hostile script, put together at
//! random from a seed. The host must answer each. `FUZZ_RUNS=1000000` makes a long run of it.

use std::time::Duration;

use scripting::{Budget, Code, ScriptOptions, TrialInput, TrialOutcome, try_script};

use crate::support::{HEAD, folder};

/// A small generator of numbers, the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % most.max(1)
    }
}

/// Words, numbers, texts and signs of a script.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
        } else {
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            tokens.push(character.to_string());
        }
    }
    tokens.push(word);
    tokens
}

fn corpus() -> Vec<Vec<String>> {
    let folders =
        ["scripts/mapping", "scripts/notify", "scripts/anti", "shared/scripting/tests/attacks"];
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|name| std::fs::read_dir(folder(name)).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rhai"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .filter(|text| text.len() < 8_000 && !text.contains('⟦'))
        .map(|text| tokens(&text))
        .collect()
}

const EXTREMES: [&str; 12] = [
    "9223372036854775807",
    "-9223372036854775808",
    "0",
    "1e308",
    "\"\"",
    "()",
    "[]",
    "#{}",
    "source",
    "target",
    "ctx",
    "\"\u{1F468}\u{200D}\u{1F469}\"",
];

fn made_up(corpus: &[Vec<String>], numbers: &mut Numbers) -> String {
    let mut script = corpus[numbers.below(corpus.len())].clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(script.len());
        let other = &corpus[numbers.below(corpus.len())];
        match numbers.below(12) {
            // Anything for anything: mostly the parser's work.
            0 => script[at].clone_from(&other[numbers.below(other.len())]),
            1 => drop(script.drain(at..(at + 3).min(script.len()))),
            // A line of another script.
            2..5 => {
                let from = numbers.below(other.len());
                let line = |tokens: &[String]| tokens.iter().position(|token| token == "\n");
                let from = from + line(&other[from..]).unwrap_or(0);
                let until = line(&other[(from + 1).min(other.len())..]).unwrap_or(0) + from + 1;
                let piece = other[from..until.min(other.len())].to_vec();
                let at = at + line(&script[at..]).unwrap_or(0);
                script.splice(at..at, piece);
            }
            // A word for a word, a number for a number.
            _ => {
                let word = |token: &&String| token.starts_with(char::is_alphanumeric);
                let words: Vec<&String> = other.iter().filter(word).collect();
                let places: Vec<usize> =
                    (0..script.len()).filter(|at| word(&&script[*at])).collect();
                if places.is_empty() || words.is_empty() {
                    continue;
                }
                let at = places[numbers.below(places.len())];
                script[at] = match numbers.below(3) {
                    0 => EXTREMES[numbers.below(EXTREMES.len())].to_owned(),
                    _ => words[numbers.below(words.len())].clone(),
                };
            }
        }
        if script.is_empty() {
            break;
        }
    }
    format!("{HEAD}{}", script.concat())
}

#[test]
fn the_host_answers_every_made_up_script() {
    let runs: u64 = std::env::var("FUZZ_RUNS").map_or(600, |text| text.parse().unwrap());
    let seed: u64 = std::env::var("FUZZ_SEED").map_or(1, |text| text.parse().unwrap());
    let corpus = corpus();
    let budget =
        Budget { time: Duration::from_millis(40), operations: 20_000, ..Budget::default() };
    let mut answers = std::collections::BTreeMap::<String, u64>::new();
    for run in 0..runs {
        let mut numbers = Numbers((seed << 32 | run).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let text = made_up(&corpus, &mut numbers);
        let options = ScriptOptions { budget, ..Default::default() };
        let trial = try_script("fuzz.rhai", &text, options, None, TrialInput::default());
        let answer = match trial.outcome {
            TrialOutcome::Check(findings) => findings[0].code.to_string(),
            TrialOutcome::Error(error) => error.code().to_string(),
            _ => "ok".to_owned(),
        };
        assert_ne!(answer, Code::R020.as_str(), "seed {seed}, run {run}:\n{text}");
        *answers.entry(answer).or_default() += 1;
    }
    // The scripts must not all stop at the parser, or nothing was tried.
    assert!(answers.len() > 8, "{answers:?}");
    println!("{answers:?}");
}
