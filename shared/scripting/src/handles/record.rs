//! The run and the event, as scripts see them: fixed fields, read only.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult};

use super::source::{list, text};

use crate::code::Code;
use crate::context::{Event, RunContext};
use crate::fault::Fault;
use crate::functions::{Moment, Table, Tables, not_in_texts};
use crate::suggest::nearest;

/// The fields of `event`, and what each holds.
pub(crate) const EVENT_FIELDS: &[(&str, &str)] = &[
    (
        "kind",
        "what happened: `wave_scheduled`, `prepare_done`, `initial_sync_done`, `action_required`, `cutover_complete`, `error`, `wave_report`",
    ),
    ("wave", "the wave's name"),
    ("at", "when it is planned or happened, as text"),
    ("old_address", "the user's address before the move"),
    ("new_address", "the user's address after the move"),
    ("link", "the user's confirmation link (`action_required`)"),
    ("step", "the step that failed (`error`)"),
    ("message", "what failed, in words (`error`)"),
    ("advice", "what to do (`error`)"),
    ("users", "how many users the wave has"),
    ("complete", "how many are complete (`wave_report`)"),
    ("failed", "how many failed (`wave_report`)"),
    ("failures", "one line for each failed user (`wave_report`)"),
];

/// The fields of `ctx`, and what each holds.
pub(crate) const CONTEXT_FIELDS: &[(&str, &str)] = &[
    ("project", "the project's name"),
    ("wave", "the wave's name"),
    ("step", "`match`, `prepare`, `sync`, `cutover_target`, `cutover_source` or `notify`"),
    ("now", "the run's fixed date and time"),
    ("source_domains", "the source tenant's domains"),
    ("target_domains", "the target tenant's verified domains"),
    ("default_domain", "the target domain for source domains that have no rule"),
];

/// Named values that a script can read.
#[derive(Clone)]
pub(crate) struct Record {
    title: &'static str,
    fields: Arc<BTreeMap<&'static str, Dynamic>>,
}

impl Record {
    /// An event, for notification scripts.
    pub(crate) fn event(event: &Event) -> Self {
        let maybe = |field: &Option<String>| field.as_deref().map_or(Dynamic::UNIT, text);
        let number = |number: u32| Dynamic::from(i64::from(number));
        let fields = [
            ("kind", event.kind.as_str().into()),
            ("wave", text(&event.wave)),
            ("at", maybe(&event.at)),
            ("old_address", maybe(&event.old_address)),
            ("new_address", maybe(&event.new_address)),
            ("link", maybe(&event.link)),
            ("step", maybe(&event.step)),
            ("message", maybe(&event.message)),
            ("advice", maybe(&event.advice)),
            ("users", number(event.users)),
            ("complete", number(event.complete)),
            ("failed", number(event.failed)),
            ("failures", list(&event.failures)),
        ];
        Self { title: "event", fields: Arc::new(fields.into_iter().collect()) }
    }

    fn get(&self, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
        self.fields.get(name).cloned().ok_or_else(|| {
            let message = format!("{} has no field `{name}`", self.title);
            let help = match nearest(name, self.fields.keys().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    format!("it has {}", self.fields.keys().copied().collect::<Vec<_>>().join(", "))
                }
            };
            Fault::new(Code::R003, message).help(help).into()
        })
    }
}

/// The run: `ctx` of the entry functions.
#[derive(Clone)]
pub(crate) struct Context {
    record: Record,
    run: Arc<RunContext>,
    tables: Tables,
}

impl Context {
    pub(crate) fn new(run: Arc<RunContext>, tables: Tables) -> Self {
        let fields = [
            ("project", text(&run.project)),
            ("wave", text(&run.wave)),
            ("step", run.step.as_str().into()),
            ("now", Dynamic::from(Moment::new(run.now))),
            ("source_domains", list(&run.source_domains)),
            ("target_domains", list(&run.target_domains)),
            ("default_domain", text(&run.default_domain)),
        ];
        let record = Record { title: "ctx", fields: Arc::new(fields.into_iter().collect()) };
        Self { record, run, tables }
    }

    /// The run's fixed "now".
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.run.now
    }

    fn table(&self, name: &str) -> Result<Table, Box<EvalAltResult>> {
        self.tables.get(name).cloned().ok_or_else(|| {
            let message = format!("there is no table `{name}`");
            let help = match nearest(name, self.tables.names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "upload the table, or name it in the script's tests".to_owned(),
            };
            Fault::runtime(message).help(help).into()
        })
    }

    /// The target domain that takes the place of a source domain.
    fn target_domain(&self, domain: &str) -> String {
        let domain = domain.to_lowercase();
        self.run.domain_map.get(&domain).unwrap_or(&self.run.default_domain).clone()
    }

    fn is_source_domain(&self, domain: &str) -> bool {
        self.run.source_domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
    }

    fn mapped_user(&self, source_id: Dynamic) -> Dynamic {
        let id = source_id.into_immutable_string().unwrap_or_default();
        self.run.matches.get(id.as_str()).map_or(Dynamic::UNIT, |id| text(id))
    }
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Record>("record")
        .register_indexer_get(|record: &mut Record, name: &str| record.get(name))
        .register_fn("to_debug", |record: &mut Record| format!("[{}]", record.title))
        .register_type_with_name::<Context>("ctx")
        .register_indexer_get(|context: &mut Context, name: &str| context.record.get(name))
        .register_fn("table", |context: &mut Context, name: &str| context.table(name))
        .register_fn("target_domain", |context: &mut Context, domain: &str| {
            context.target_domain(domain)
        })
        .register_fn("is_source_domain", |context: &mut Context, domain: &str| {
            context.is_source_domain(domain)
        })
        .register_fn("mapped_user", |context: &mut Context, id: Dynamic| context.mapped_user(id))
        .register_fn("to_debug", |_: &mut Context| "[ctx]");
    not_in_texts::<Record>(engine, "`event`", "[event]");
    not_in_texts::<Context>(engine, "`ctx`", "[ctx]");
}
