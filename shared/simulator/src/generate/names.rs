//! Names of people: as they are written, and in the letters that addresses allow.

/// A name as written and in ASCII.
pub(super) type Name = (&'static str, &'static str);

/// Given names.
pub(super) const GIVEN: [Name; 40] = [
    ("Andreas", "andreas"),
    ("Zoë", "zoe"),
    ("Søren", "soren"),
    ("Łukasz", "lukasz"),
    ("محمد", "mohammed"),
    ("Øyvind", "oyvind"),
    ("Đorđe", "dorde"),
    ("שירה", "shira"),
    ("Anna", "anna"),
    ("Jürgen", "juergen"),
    ("Siobhán", "siobhan"),
    ("Žaneta", "zaneta"),
    ("李娜", "na"),
    ("José", "jose"),
    ("Ingrid", "ingrid"),
    ("Nguyễn", "nguyen"),
    ("Ayşe", "ayse"),
    ("François", "francois"),
    ("Olga", "olga"),
    ("Björn", "bjoern"),
    ("Thomas", "thomas"),
    ("فاطمة", "fatima"),
    ("Erik", "erik"),
    ("Grażyna", "grazyna"),
    ("Hélène", "helene"),
    ("Priya", "priya"),
    ("Ștefan", "stefan"),
    ("Maria", "maria"),
    ("יעקב", "yaakov"),
    ("Giulia", "giulia"),
    ("Peter", "peter"),
    ("Þóra", "thora"),
    ("Rūta", "ruta"),
    ("田中", "tanaka"),
    ("Kateřina", "katerina"),
    ("Sven", "sven"),
    ("Íñigo", "inigo"),
    ("Claire", "claire"),
    ("Mihály", "mihaly"),
    ("Emma", "emma"),
];

/// Family names.
pub(super) const FAMILY: [Name; 36] = [
    ("Meyer", "meyer"),
    ("O'Brien", "obrien"),
    ("Åkesson", "akesson"),
    ("Wiśniewska", "wisniewska"),
    ("الأحمد", "alahmad"),
    ("Müller-Lüdenscheidt", "mueller-luedenscheidt"),
    ("Ðurić", "duric"),
    ("לוי", "levi"),
    ("García Márquez", "garcia.marquez"),
    ("Dvořák", "dvorak"),
    ("Nilsson", "nilsson"),
    ("Çelik", "celik"),
    ("王", "wang"),
    ("Straße", "strasse"),
    ("van der Berg", "vanderberg"),
    ("Horváth", "horvath"),
    ("Trần", "tran"),
    ("Ivanova", "ivanova"),
    ("Lefèvre", "lefevre"),
    ("Björnsdóttir", "bjornsdottir"),
    ("Smith", "smith"),
    ("حداد", "haddad"),
    ("Kowalczyk", "kowalczyk"),
    ("D'Angelo", "dangelo"),
    ("Schröder", "schroeder"),
    ("Patel", "patel"),
    ("Popescu", "popescu"),
    ("כהן", "cohen"),
    ("Fernández", "fernandez"),
    ("Jørgensen", "jorgensen"),
    ("Kazlauskienė", "kazlauskiene"),
    ("山本", "yamamoto"),
    ("Novák", "novak"),
    ("Lindqvist", "lindqvist"),
    ("Etxeberria", "etxeberria"),
    ("Brown", "brown"),
];

/// Departments; each has a group, every second one a team.
pub(super) const DEPARTMENTS: [&str; 6] =
    ["Sales", "Finance", "Forschung & Entwicklung", "Operations", "Legal", "Küche"];

/// Titles.
pub(super) const TITLES: [&str; 6] =
    ["Analyst", "Head of Département", "Buchhalterin", "Engineer", "Counsel", "Koch"];

/// Where people work: city, country, usage location, time zone, language.
pub(super) const PLACES: [(&str, &str, &str, &str, &str); 5] = [
    ("München", "Germany", "DE", "W. Europe Standard Time", "de-DE"),
    ("København", "Denmark", "DK", "Romance Standard Time", "da-DK"),
    ("Paris", "France", "FR", "Romance Standard Time", "fr-FR"),
    ("Dubai", "United Arab Emirates", "AE", "Arabian Standard Time", "ar-AE"),
    ("Boston", "United States", "US", "Eastern Standard Time", "en-US"),
];
