//! Names of months and days in the languages of notifications. Source: Unicode CLDR, the forms used in dates.

use super::call::Answer;
use super::date_format::Names;
use super::fault::Fault;

/// The names in a language, such as "de" or "de-AT".
pub(super) fn names(language: &str) -> Answer<&'static Names> {
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let found = NAMES.iter().find(|(code, _)| *code == primary);
    found.map(|(_, names)| names).ok_or_else(|| {
        let known: Vec<&str> = NAMES.iter().map(|(code, _)| *code).collect();
        Fault::Value(format!(
            "dates are not known in the language {language:?}: use one of {}",
            known.join(", ")
        ))
    })
}

#[rustfmt::skip] // Two lines a language.
static NAMES: &[(&str, Names)] = &[
    ("cs", Names { months: ["ledna", "února", "března", "dubna", "května", "června", "července", "srpna", "září", "října", "listopadu", "prosince"],
        days: ["pondělí", "úterý", "středa", "čtvrtek", "pátek", "sobota", "neděle"] }),
    ("da", Names { months: ["januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"],
        days: ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"] }),
    ("de", Names { months: ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
        days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"] }),
    ("en", Names::ENGLISH),
    ("es", Names { months: ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
        days: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"] }),
    ("fi", Names { months: ["tammikuuta", "helmikuuta", "maaliskuuta", "huhtikuuta", "toukokuuta", "kesäkuuta", "heinäkuuta", "elokuuta", "syyskuuta", "lokakuuta", "marraskuuta", "joulukuuta"],
        days: ["maanantai", "tiistai", "keskiviikko", "torstai", "perjantai", "lauantai", "sunnuntai"] }),
    ("fr", Names { months: ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
        days: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"] }),
    ("it", Names { months: ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"],
        days: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"] }),
    ("nl", Names { months: ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"],
        days: ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"] }),
    ("no", Names { months: ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember"],
        days: ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"] }),
    ("pl", Names { months: ["stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"],
        days: ["poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"] }),
    ("pt", Names { months: ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"],
        days: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"] }),
    ("sv", Names { months: ["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"],
        days: ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"] }),
];
