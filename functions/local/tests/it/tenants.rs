//! Two simulated tenants on a port, a folder with a project file, and the program.

use std::{
    fs, net,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    thread,
};

use embedded::SystemClock;
use judge::{Judge, JudgedPort};
use ports::Transport;
use simulator::{
    Config, Credentials, DriveFill, Lag, Lags, MailboxFill, Part, Population, Profile, Rehearsal,
    Rules, Simulator,
};
use tempfile::TempDir;

/// A project on two tenants.
pub(crate) struct Office {
    pub(crate) rehearsal: Rehearsal,
    pub(crate) folder: TempDir,
    base: String,
    judged: Option<Judged>,
}

/// Both tenants, with every request to Graph and every reply of theirs judged.
type Judged = Arc<JudgedPort<Simulator>>;

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(judged) = self.judged.as_ref().filter(|_| !thread::panicking()) {
            judged.assert_clean();
        }
    }
}

impl Office {
    pub(crate) fn open(people: usize) -> Self {
        let population = Population {
            content: false,
            guests: 0,
            shared_mailboxes: 0,
            ..Population::of(people, Profile::Calm)
        };
        let config = Config {
            lags: Lags { mailbox_provisioning: Lag::millis(100, 600), ..Lags::default() },
            rules: Rules { licence_provisions_drive: true, ..Rules::default() },
            ..Config::of(Profile::Calm)
        };
        let clock = Arc::new(SystemClock);
        let rehearsal = Simulator::rehearsal_with(&population, 7, clock, config);
        fill(&rehearsal);
        let (base, judged) = serve(rehearsal.simulator.clone());
        let office = Self { rehearsal, folder: tempfile::tempdir().unwrap(), base, judged };
        office.write_project(&office.rehearsal.source.client_secret.clone());
        office
    }

    /// Writes the project file and both secrets.
    pub(crate) fn write_project(&self, source_secret: &str) {
        let Rehearsal { source, target, .. } = &self.rehearsal;
        self.write("source.secret", source_secret);
        self.write("target.secret", &target.client_secret);
        let text = format!(
            "name = \"it\"\ntype = \"premium\"\nnew_address_domain = \"{}\"\n\n[source]\n{}\n\
             [target]\n{}\n[[matching]]\nsource = \"extensionAttribute1\"\n\
             target = \"extensionAttribute1\"\n\n[profiles.default.sync]\nlicenses = [\"SPE_E3\"]\n\
             usage_location = \"DE\"\n\n[notifications]\nsender = \"notifications@{}\"\n",
            target.vanity_domain,
            self.tenant("source", source),
            self.tenant("target", target),
            target.vanity_domain,
        );
        self.write("crosswave.toml", &text);
    }

    fn tenant(&self, side: &str, credentials: &Credentials) -> String {
        let base = &self.base;
        format!(
            "tenant_id = \"{}\"\nclient_id = \"{}\"\nclient_secret_file = \"{side}.secret\"\n\
             initial_domain = \"{}\"\ndomains = [\"{}\"]\n\
             capabilities = {{ archive = true, hybrid = false }}\n\
             endpoints = {{ login = \"{base}/login/\", graph = \"{base}/graph/\", \
             exchange = \"{base}/outlook/\" }}\n",
            credentials.tenant_id,
            credentials.client_id,
            credentials.initial_domain,
            credentials.vanity_domain,
        )
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosswave"));
        command.current_dir(self.path()).args(arguments);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must do everything, and gives its data.
    pub(crate) fn well(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (data, notes) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{data}\n{notes}");
        data
    }

    /// Runs a command that must end with this code, and gives what it said.
    pub(crate) fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let (data, notes) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{data}\n{notes}");
        format!("{data}{notes}")
    }

    /// Starts a command and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.start_with(arguments, Stdio::null())
    }

    /// As [`Self::start`], for a command that says little: its last words can be read.
    pub(crate) fn start_heard(&self, arguments: &[&str]) -> Child {
        self.start_with(arguments, Stdio::piped())
    }

    fn start_with(&self, arguments: &[&str], stderr: Stdio) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        command.spawn().unwrap()
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn fill(rehearsal: &Rehearsal) {
    let mail = MailboxFill { least_items: 1, most_items: 4, folders: 2, ..MailboxFill::default() };
    let files = DriveFill { least_files: 1, most_files: 4, folders: 1, ..DriveFill::default() };
    let tenant = rehearsal.source.tenant_id;
    for person in rehearsal.simulator.recipients(tenant) {
        let upn = &person.user_principal_name;
        for part in [Part::Primary, Part::Archive] {
            drop(rehearsal.simulator.fill_mailbox(tenant, upn, part, &mail));
        }
        drop(rehearsal.simulator.fill_drive(tenant, upn, &files));
    }
}

fn serve(simulator: Simulator) -> (String, Option<Judged>) {
    let listener = net::TcpListener::bind((net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let judge = Judge::load().unwrap();
    let port = base.parse().unwrap();
    let judged = judge.map(|judge| Arc::new(JudgedPort::new(simulator.clone(), port, judge)));
    let tenants: Arc<dyn Transport> = match &judged {
        Some(judged) => Arc::clone(judged) as Arc<dyn Transport>,
        None => Arc::new(simulator),
    };
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            simulator::serve(tenants, listener).await.unwrap();
        });
    });
    (base, judged)
}
