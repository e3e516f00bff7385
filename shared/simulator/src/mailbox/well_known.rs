//! The folders that every mailbox has, and their names in the mailbox's language.

/// A default folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WellKnown {
    /// Graph's name for it, which works in place of an id.
    pub(crate) name: &'static str,
    /// The folder above it.
    pub(crate) parent: &'static str,
    /// Container class.
    pub(crate) class: &'static str,
    /// `FolderType` of `Get-MailboxFolderStatistics`.
    pub(crate) folder_type: &'static str,
    /// Not shown by Outlook.
    pub(crate) hidden: bool,
    /// Holds results of a search, no items of its own.
    pub(crate) search: bool,
    /// English, German, French, Spanish.
    names: [&'static str; 4],
}

const fn folder(
    name: &'static str,
    class: &'static str,
    folder_type: &'static str,
    names: [&'static str; 4],
) -> WellKnown {
    let (hidden, search) = (false, false);
    WellKnown { name, parent: "msgfolderroot", class, folder_type, hidden, search, names }
}

const fn hidden(
    name: &'static str,
    parent: &'static str,
    folder_type: &'static str,
    english: &'static str,
) -> WellKnown {
    let class = "IPF.Note";
    let names = [english; 4];
    WellKnown { name, parent, class, folder_type, hidden: true, search: false, names }
}

/// The top of what people see.
pub(crate) const ROOT: &str = "msgfolderroot";

/// Parents come before their children. The name `root` stands for the mailbox itself.
pub(crate) const ALL: [WellKnown; 22] = [
    WellKnown {
        parent: "root",
        ..folder(ROOT, "IPF.Note", "Root", ["Top of Information Store"; 4])
    },
    folder(
        "inbox",
        "IPF.Note",
        "Inbox",
        ["Inbox", "Posteingang", "Boîte de réception", "Bandeja de entrada"],
    ),
    folder("drafts", "IPF.Note", "Drafts", ["Drafts", "Entwürfe", "Brouillons", "Borradores"]),
    folder(
        "sentitems",
        "IPF.Note",
        "SentItems",
        ["Sent Items", "Gesendete Elemente", "Éléments envoyés", "Elementos enviados"],
    ),
    folder(
        "deleteditems",
        "IPF.Note",
        "DeletedItems",
        ["Deleted Items", "Gelöschte Elemente", "Éléments supprimés", "Elementos eliminados"],
    ),
    folder(
        "outbox",
        "IPF.Note",
        "Outbox",
        ["Outbox", "Postausgang", "Boîte d'envoi", "Bandeja de salida"],
    ),
    folder(
        "junkemail",
        "IPF.Note",
        "JunkEmail",
        ["Junk Email", "Junk-E-Mail", "Courrier indésirable", "Correo no deseado"],
    ),
    folder("archive", "IPF.Note", "Archive", ["Archive", "Archiv", "Archive", "Archivo"]),
    folder(
        "calendar",
        "IPF.Appointment",
        "Calendar",
        ["Calendar", "Kalender", "Calendrier", "Calendario"],
    ),
    folder(
        "contacts",
        "IPF.Contact",
        "Contacts",
        ["Contacts", "Kontakte", "Contacts", "Contactos"],
    ),
    folder("tasks", "IPF.Task", "Tasks", ["Tasks", "Aufgaben", "Tâches", "Tareas"]),
    folder("notes", "IPF.StickyNote", "Notes", ["Notes", "Notizen", "Notes", "Notas"]),
    folder("journal", "IPF.Journal", "Journal", ["Journal", "Journal", "Journal", "Diario"]),
    folder(
        "conversationhistory",
        "IPF.Note",
        "ConversationHistory",
        [
            "Conversation History",
            "Aufgezeichnete Unterhaltungen",
            "Historique des conversations",
            "Historial de conversaciones",
        ],
    ),
    folder(
        "syncissues",
        "IPF.Note",
        "SyncIssues",
        [
            "Sync Issues",
            "Synchronisierungsprobleme",
            "Problèmes de synchronisation",
            "Problemas de sincronización",
        ],
    ),
    WellKnown {
        parent: "syncissues",
        ..folder(
            "conflicts",
            "IPF.Note",
            "Conflicts",
            ["Conflicts", "Konflikte", "Conflits", "Conflictos"],
        )
    },
    hidden("conversationactions", ROOT, "ConversationActions", "Conversation Action Settings"),
    hidden("quickcontacts", "contacts", "QuickContacts", "Quick Contacts"),
    WellKnown { search: true, ..hidden("searchfolders", "root", "SearchFolders", "Finder") },
    WellKnown { search: true, hidden: false, ..hidden("allitems", ROOT, "AllItems", "AllItems") },
    hidden("recoverableitemsroot", "root", "RecoverableItemsRoot", "Recoverable Items"),
    hidden(
        "recoverableitemsdeletions",
        "recoverableitemsroot",
        "RecoverableItemsDeletions",
        "Deletions",
    ),
];

impl WellKnown {
    /// Its name in a language, for instance `de-DE`; English where the language is not known.
    pub(crate) fn display(&self, language: &str) -> &'static str {
        let [english, german, french, spanish] = self.names;
        match language.get(..2).unwrap_or_default().to_ascii_lowercase().as_str() {
            "de" => german,
            "fr" => french,
            "es" => spanish,
            _ => english,
        }
    }
}

/// The default folder of a name, in any case.
pub(crate) fn by_name(name: &str) -> Option<&'static WellKnown> {
    ALL.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}
