//! One person and one run that the tests share.

use std::sync::Arc;

use scripting::{
    Attributes, Library, LibraryFile, Mapping, RunContext, ScriptError, Step, UserInput, UserPatch,
};

/// The first lines of a script that stands alone.
pub(crate) const HEAD: &str = "// crosswave-api: 1\n// crosswave-base: none\n";

pub(crate) fn anna() -> UserInput {
    UserInput {
        source_id: "11111111-1111-1111-1111-111111111111".into(),
        source: Attributes::new()
            .with("displayName", "Muñoz, Anna")
            .with("givenName", "Anna")
            .with("surname", "Muñoz")
            .with("userPrincipalName", "anna.munoz@contoso.com")
            .with("mail", "anna.munoz@contoso.com")
            .with("mailNickname", "anna.munoz")
            .with("jobTitle", "Engineer")
            .with("companyName", "Contoso")
            .with("usageLocation", "ES")
            .with("extensionAttribute5", "COST-1")
            .with(
                "proxyAddresses",
                vec![
                    "SMTP:anna.munoz@contoso.com".to_owned(),
                    "smtp:amunoz@contoso.com".to_owned(),
                    "smtp:anna.munoz@contoso.onmicrosoft.com".to_owned(),
                    "X500:/o=Contoso/cn=anna".to_owned(),
                ],
            ),
        target: Attributes::new(),
    }
}

pub(crate) fn run() -> Arc<RunContext> {
    Arc::new(RunContext {
        project: "contoso to fabrikam".into(),
        wave: "first".into(),
        step: Step::Prepare,
        now: "2026-11-22T09:00:00Z".parse().unwrap(),
        source_domains: vec!["contoso.com".into(), "contoso.onmicrosoft.com".into()],
        target_domains: vec!["fabrikam.com".into()],
        default_domain: "fabrikam.com".into(),
        domain_map: [].into(),
        matches: [].into(),
    })
}

/// Runs a script's `map_user` for Anna.
pub(crate) fn map(body: &str) -> Result<UserPatch, ScriptError> {
    Mapping::compile("test.rhai", &format!("{HEAD}{body}")).unwrap().map_user(&anna(), &run())
}

/// The library beside a script: the files of its folder `….library`.
pub(crate) fn library(script: &std::path::Path) -> Library {
    let files = std::fs::read_dir(script.with_extension("library")).into_iter().flatten();
    Library::new(files.map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        LibraryFile::new(name, std::fs::read(&path).unwrap())
    }))
}

/// A folder of the repository.
pub(crate) fn folder(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}
