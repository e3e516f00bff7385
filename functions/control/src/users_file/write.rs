//! Writing: the columns that are read, so that an export imported again changes nothing (MAT-3).

use model::User;

use super::{column_names, options::OPTIONS};

/// The users as CSV: UTF-8, commas, one line each in the order given.
pub(super) fn write(users: &[User]) -> Result<String, ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(column_names())?;
    for user in users {
        let target = user.target.as_ref().map_or("", |target| &target.user_principal_name);
        let wave = user.wave.as_ref().map_or("", |wave| wave.as_str());
        let options = OPTIONS.iter().map(|option| {
            user.profile.as_ref().map(|profile| (option.get)(profile)).unwrap_or_default()
        });
        let head = [&*user.source.user_principal_name, target, wave].map(str::to_owned);
        writer.write_record(head.into_iter().chain(options))?;
    }
    let bytes = writer.into_inner().map_err(|error| ::csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use model::Profile;

    use super::*;
    use crate::{tests::user, users_file::read::read};

    /// MAT-3: the same columns can be exported.
    #[test]
    fn what_is_exported_reads_back_as_it_was() {
        let mut anna = user("anna");
        anna.wave = Some("w1".parse().unwrap());
        let mut own = Profile::default();
        own.sync.licenses = vec!["SPE_E3".to_owned()];
        own.sync.usage_location = Some("DE".to_owned());
        own.cutover.gate_hours = 5;
        anna.profile = Some(own.clone());
        let text = write(&[anna, user("bert")]).unwrap();
        let rows = read("export.csv", text.as_bytes()).unwrap();
        assert_eq!(rows[0].over(Profile::default()), own);
        assert!(rows[1].options.is_empty());
    }
}
