//! Letters of other alphabets and languages in the English alphabet, by the habits of one language.
//!
//! Sources: German and Nordic spelling habits; the Russian passport's table (ICAO Doc 9303); Ukraine's resolution 55 of
//! 2010; Bulgaria's transliteration act of 2009; ELOT 743 for Greek.

use super::call::Answer;
use super::diacritics::normalized;
use super::fault::Fault;
use super::limits;

/// How one language writes its letters. `None` leaves a letter to the general table.
type Table = fn(char) -> Option<&'static str>;

/// The languages that have habits of their own, by their two-letter codes.
pub(super) const LANGUAGES: &[&str] = &[
    "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "is", "it", "lt", "lv",
    "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi",
];

/// The text in the English alphabet, as readers of this language expect it.
pub(super) fn transliterated(text: &str, language: &str) -> Answer<String> {
    let table = table(language)?;
    limits::text(text.len().saturating_mul(2))?;
    // Composed first, so that the tables meet one letter where there were a letter and a mark.
    let composed: Vec<char> = unicode_normalization::UnicodeNormalization::nfc(text).collect();
    let mut result = String::with_capacity(text.len());
    let mut before = None;
    let mut second = false;
    let mut letters = composed.iter().copied().peekable();
    while let Some(letter) = letters.next() {
        let small = super::case::lower(letter);
        let after = letters.peek().copied();
        let at = Place { before, letter: small, after: after.map(super::case::lower), second };
        let instead = in_context(language, at).or_else(|| table(small));
        match instead {
            Some(instead) if small == letter => result.push_str(instead),
            Some(instead) => {
                push_capital(&mut result, instead, after.is_some_and(char::is_lowercase));
            }
            None => result.push(letter),
        }
        second = small.is_alphabetic() && !before.is_some_and(char::is_alphabetic);
        before = Some(small);
    }
    Ok(normalized(&result))
}

/// A letter between its neighbours, all in lower case.
#[derive(Clone, Copy)]
struct Place {
    before: Option<char>,
    letter: char,
    after: Option<char>,
    /// Whether it is the second letter of its word.
    second: bool,
}

/// One capital and small letters before a small letter, else all capitals.
fn push_capital(result: &mut String, instead: &str, small_follows: bool) {
    for (index, letter) in instead.chars().enumerate() {
        let capital = index == 0 || !small_follows;
        result.push(if capital { letter.to_ascii_uppercase() } else { letter });
    }
}

fn table(language: &str) -> Answer<Table> {
    Ok(match language {
        "de" => german,
        "da" | "no" | "nb" | "nn" => danish,
        "is" => |letter| (letter == 'ö').then_some("o"),
        "ru" => russian,
        "uk" => ukrainian,
        "bg" => bulgarian,
        "sr" => serbian,
        "hr" => |letter| (letter == 'đ').then_some("dj"),
        "el" => greek,
        other if LANGUAGES.contains(&other) => |_| None,
        other => {
            let known = LANGUAGES.join(", ");
            return Err(Fault::Value(format!(
                "the language {other:?} is not known: use one of {known}"
            )));
        }
    })
}

/// Letters whose spelling depends on their neighbours.
fn in_context(language: &str, at: Place) -> Option<&'static str> {
    let begins = !at.before.is_some_and(char::is_alphabetic);
    match (language, at.letter) {
        ("uk", 'є') if begins => Some("ye"),
        ("uk", 'ї') if begins => Some("yi"),
        ("uk", 'й') if begins => Some("y"),
        ("uk", 'ю') if begins => Some("yu"),
        ("uk", 'я') if begins => Some("ya"),
        ("uk", 'г') if at.before == Some('з') => Some("gh"),
        ("bg", 'я') if at.before == Some('и') && !at.after.is_some_and(char::is_alphabetic) => {
            Some("a")
        }
        ("el", 'γ') if matches!(at.after, Some('γ' | 'ξ' | 'χ')) => Some("n"),
        ("el", 'μ') if begins && at.after == Some('π') => Some("b"),
        ("el", 'π') if at.before == Some('μ') && at.second => Some(""),
        ("el", 'υ' | 'ύ') if at.before == Some('ο') => Some("u"),
        ("el", 'υ' | 'ύ') if matches!(at.before, Some('α' | 'ε' | 'η')) => {
            Some(if at.after.is_some_and(is_voiced) { "v" } else { "f" })
        }
        _ => None,
    }
}

fn is_voiced(letter: char) -> bool {
    "αάεέηήιίϊΐοόωώυύβγδζλμνρ".contains(letter)
}

fn german(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ä' => "ae",
        'ö' => "oe",
        'ü' => "ue",
        _ => return None,
    })
}

fn danish(letter: char) -> Option<&'static str> {
    Some(match letter {
        'å' => "aa",
        'ä' => "ae",
        'ö' => "oe",
        _ => return None,
    })
}

/// The letters that the Cyrillic alphabets here share.
fn cyrillic(letter: char) -> Option<&'static str> {
    Some(match letter {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' => "g",
        'д' => "d",
        'е' => "e",
        'ж' => "zh",
        'з' => "z",
        'и' | 'й' => "i",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ъ' => "ie",
        'ы' => "y",
        'ь' => "",
        'ю' => "iu",
        'я' => "ia",
        _ => return None,
    })
}

fn russian(letter: char) -> Option<&'static str> {
    if matches!(letter, 'ё' | 'э') { Some("e") } else { cyrillic(letter) }
}

fn ukrainian(letter: char) -> Option<&'static str> {
    match letter {
        'г' => Some("h"),
        'ґ' => Some("g"),
        'є' => Some("ie"),
        'и' => Some("y"),
        'і' | 'ї' => Some("i"),
        '\'' | '’' | 'ʼ' => Some(""),
        other => cyrillic(other),
    }
}

fn bulgarian(letter: char) -> Option<&'static str> {
    match letter {
        'й' | 'ь' => Some("y"),
        'х' => Some("h"),
        'щ' => Some("sht"),
        'ъ' => Some("a"),
        'ю' => Some("yu"),
        'я' => Some("ya"),
        other => cyrillic(other),
    }
}

fn serbian(letter: char) -> Option<&'static str> {
    match letter {
        'đ' | 'ђ' => Some("dj"),
        'ж' => Some("z"),
        'ј' => Some("j"),
        'љ' => Some("lj"),
        'њ' => Some("nj"),
        'ћ' | 'ч' | 'ц' => Some("c"),
        'џ' => Some("dz"),
        'х' => Some("h"),
        'ш' => Some("s"),
        other => cyrillic(other),
    }
}

fn greek(letter: char) -> Option<&'static str> {
    Some(match letter {
        'α' | 'ά' => "a",
        'β' => "v",
        'γ' => "g",
        'δ' => "d",
        'ε' | 'έ' => "e",
        'ζ' => "z",
        'η' | 'ή' | 'ι' | 'ί' | 'ϊ' | 'ΐ' => "i",
        'θ' => "th",
        'κ' => "k",
        'λ' => "l",
        'μ' => "m",
        'ν' => "n",
        'ξ' => "x",
        'ο' | 'ό' | 'ω' | 'ώ' => "o",
        'π' => "p",
        'ρ' => "r",
        'σ' | 'ς' => "s",
        'τ' => "t",
        'υ' | 'ύ' | 'ϋ' | 'ΰ' => "y",
        'φ' => "f",
        'χ' => "ch",
        'ψ' => "ps",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{LANGUAGES, transliterated};

    fn written(text: &str, language: &str) -> String {
        transliterated(text, language).unwrap()
    }

    #[test]
    fn names_are_written_as_their_language_writes_them() {
        let cases = [
            ("Jürgen Groß-Äpfel", "de", "Juergen Gross-Aepfel"),
            ("ÄRZTE", "de", "AERZTE"),
            ("Åse Bjørnæs", "no", "Aase Bjoernaes"),
            ("Åsa Öberg", "sv", "Asa Oberg"),
            ("Щербаков Юрий", "ru", "Shcherbakov Iurii"),
            ("Євген Згурський", "uk", "Yevhen Zghurskyi"),
            ("София Къщова", "bg", "Sofia Kashtova"),
            ("Ђорђе Љубић", "sr", "Djordje Ljubic"),
            ("Μπάμπης Ευαγγέλου", "el", "Bampis Evangelou"),
            ("Łukasz Żółć", "pl", "Lukasz Zolc"),
            ("Đinh Thị Hồng", "vi", "Dinh Thi Hong"),
            ("İbrahim Işık", "tr", "Ibrahim Isik"),
        ];
        for (text, language, expected) in cases {
            assert_eq!(written(text, language), expected, "{text} in {language}");
        }
    }

    #[test]
    fn a_letter_and_its_mark_are_one_letter() {
        assert_eq!(written("Ju\u{308}rgen", "de"), "Juergen");
    }

    #[test]
    fn an_unknown_language_names_the_known_ones() {
        let error = transliterated("x", "xx").unwrap_err().to_string();
        assert!(LANGUAGES.iter().all(|language| error.contains(language)), "{error}");
    }
}
