//! The two simulated tenants, served on a port of this machine, and a project file for them.

use std::{
    fs, net,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use embedded::{OsRandom, SystemClock};
use ports::Random;
use simulator::{
    Config, Credentials, DriveFill, EmlLimits, Lag, Lags, MailboxFill, Part, Population, Profile,
    Rehearsal, Rules, Simulator,
};

use super::{Scene, proof::Person};
use crate::{
    failure::Failure,
    project::{Template, TenantTemplate, template},
};

/// Two tenants and a folder, gone when this is dropped.
pub(crate) struct Stage {
    rehearsal: Rehearsal,
    folder: PathBuf,
    project_file: PathBuf,
}

impl Stage {
    /// Fills two tenants, serves them, and writes a project file.
    pub(crate) fn open(scene: &Scene) -> Result<Self, Failure> {
        let population =
            Population { content: false, ..Population::of(scene.people, Profile::Calm) };
        let clock = Arc::new(SystemClock);
        let rehearsal = Simulator::rehearsal_with(&population, scene.seed, clock, knobs());
        fill(&rehearsal);
        let folder =
            std::env::temp_dir().join(format!("crosswave-rehearsal-{:016x}", OsRandom.next_u64()));
        fs::create_dir(&folder)?;
        let base = serve(rehearsal.simulator.clone(), 0)?;
        let project_file = folder.join("crosswave.toml");
        let stage = Self { rehearsal, folder, project_file };
        stage.write_project(&base)?;
        if let Some(mail) = &scene.mail_folder {
            stage.load_mail(mail)?;
        }
        Ok(stage)
    }

    /// The project file.
    pub(crate) fn project_file(&self) -> &Path {
        &self.project_file
    }

    /// The simulator.
    pub(crate) fn simulator(&self) -> &Simulator {
        &self.rehearsal.simulator
    }

    /// The tenant that people leave.
    pub(crate) fn source(&self) -> &Credentials {
        &self.rehearsal.source
    }

    /// The tenant that people join.
    pub(crate) fn target(&self) -> &Credentials {
        &self.rehearsal.target
    }

    /// Some people receive, move, change and delete items, as they do while a migration runs.
    pub(crate) fn people_go_on_working(&self, people: &[Person]) {
        let source = self.source().tenant_id;
        for person in people.iter().step_by(3) {
            let upn = &person.source_upn;
            let simulator = self.simulator();
            // Whoever has no drive changes none.
            drop(simulator.touch_mailbox(source, upn, Part::Primary, 5));
            drop(simulator.touch_drive(source, upn, 2));
        }
    }

    fn write_project(&self, base: &str) -> Result<(), Failure> {
        let values = project_values(&self.rehearsal, base, |side, secret| {
            let name = format!("{side}.secret");
            fs::write(self.folder.join(&name), secret)?;
            Ok(format!("client_secret_file = \"{name}\""))
        })?;
        fs::write(&self.project_file, template(&values))?;
        Ok(())
    }

    fn load_mail(&self, folder: &Path) -> Result<(), Failure> {
        let source = self.source();
        let views = self.simulator().recipients(source.tenant_id);
        let first = views.iter().find(|view| view.kind == "UserMailbox");
        let first = first.ok_or_else(|| Failure::input("nobody has a mailbox"))?;
        let limits = EmlLimits::default();
        self.simulator()
            .load_eml(source.tenant_id, &first.user_principal_name, folder, limits)
            .map_err(Failure::input)?;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's temporary folder.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Gives everybody a little of everything: enough to see each kind copied, little enough for a wave
/// in well under a minute.
fn fill(rehearsal: &Rehearsal) {
    let mail = MailboxFill { least_items: 1, most_items: 5, folders: 3, ..MailboxFill::default() };
    let files = DriveFill { least_files: 2, most_files: 6, folders: 2, ..DriveFill::default() };
    let tenant = rehearsal.source.tenant_id;
    for person in rehearsal.simulator.recipients(tenant) {
        let upn = &person.user_principal_name;
        // Whoever has no mailbox, archive or drive gets none.
        for part in [Part::Primary, Part::Archive] {
            drop(rehearsal.simulator.fill_mailbox(tenant, upn, part, &mail));
        }
        drop(rehearsal.simulator.fill_drive(tenant, upn, &files));
    }
}

/// Realistic rules, with lags of seconds where real tenants take minutes.
pub(crate) fn knobs() -> Config {
    Config {
        lags: Lags {
            directory: Lag::millis(0, 150),
            forward_sync: Lag::millis(50, 400),
            mailbox_provisioning: Lag::millis(500, 3_000),
            mailbox_open: Lag::millis(50, 500),
            drive_provisioning: Lag::millis(500, 3_000),
            address_release: Lag::millis(100, 800),
        },
        rules: Rules { licence_provisions_drive: true, ..Rules::default() },
        ..Config::of(Profile::Calm)
    }
}

/// Serves a simulator on this machine's loopback address, in a thread of its own, until the process
/// ends; gives its base address. Port 0 is any free one.
pub(crate) fn serve(simulator: Simulator, port: u16) -> Result<String, Failure> {
    let listener = net::TcpListener::bind((net::Ipv4Addr::LOCALHOST, port))
        .map_err(|error| Failure::input(format!("port {port} cannot be served: {error}")))?;
    listener.set_nonblocking(true)?;
    let base = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("tenants".to_owned()).spawn(move || {
        runtime.block_on(async {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => simulator::serve(simulator, listener).await,
                Err(error) => Err(error),
            }
        })
    })?;
    Ok(base)
}

/// What a project file for simulated tenants says; `secret` keeps a secret and gives the line that
/// names it.
pub(crate) fn project_values(
    rehearsal: &Rehearsal,
    base: &str,
    secret: impl Fn(&str, &str) -> Result<String, Failure>,
) -> Result<Template, Failure> {
    let tenant = |side: &str, credentials: &Credentials| -> Result<TenantTemplate, Failure> {
        Ok(TenantTemplate {
            tenant_id: credentials.tenant_id.to_string(),
            client_id: credentials.client_id.to_string(),
            initial_domain: credentials.initial_domain.clone(),
            domain: credentials.vanity_domain.clone(),
            secret: secret(side, &credentials.client_secret)?,
            simulator: Some(base.to_owned()),
        })
    };
    Ok(Template {
        name: "rehearsal".to_owned(),
        source: tenant("source", &rehearsal.source)?,
        target: tenant("target", &rehearsal.target)?,
        // Both companies keep a personnel number there.
        match_by: vec![("extensionAttribute1".to_owned(), "extensionAttribute1".to_owned())],
        sender: Some(format!("notifications@{}", rehearsal.target.vanity_domain)),
        licenses: vec!["SPE_E3".to_owned()],
        app_accounts: vec![rehearsal.service_account.clone()],
    })
}
