//! The channels: mail through Graph, and webhooks (NOT-3).

use std::time::Duration;

use model::{Event, EventKind, Project, User};
use scripting::{Channel, Code, Library, LibraryFile, Notice, Recipient};
use tenant::{
    Class, TenantClient, TenantError, WebhookError,
    graph::{Mail, MailAttachment, MailBody},
};

use crate::{Host, StepError, outcome::Failure};

/// A receiver that accepts nothing is given up after so many tries, some five hours.
const MAX_WEBHOOK_TRIES: u32 = 14;

/// Why a message was not sent.
pub(super) enum Refused {
    /// It may have been sent.
    Unknown,
    /// It was not sent; later it may be.
    ForNow(Duration),
    /// It will never be sent.
    ForGood(String),
}

/// One message of an event, and where it stands.
pub(super) struct Letter<'a> {
    pub(super) project: &'a Project,
    pub(super) user: Option<&'a User>,
    pub(super) event: &'a Event,
    pub(super) notice: &'a Notice,
    /// The files that the message names.
    pub(super) library: &'a Library,
    /// The same for each try of this message.
    pub(super) id: String,
    /// How often it was refused so far.
    pub(super) attempts: u32,
}

/// Sends it by its channel; says to whom.
pub(super) async fn send(host: &Host, letter: &Letter<'_>) -> Result<String, Refused> {
    match letter.notice.channel {
        Channel::Mail => mail(host, letter).await,
        Channel::Webhook => webhook(host, letter).await,
    }
}

async fn mail(host: &Host, letter: &Letter<'_>) -> Result<String, Refused> {
    let Letter { project, notice, .. } = letter;
    let Some(sender) = &project.notification_sender else {
        return Err(Refused::ForGood("the project names no notification_sender".to_owned()));
    };
    let mut to = Vec::new();
    let client = host.tenants.of(project).await.map_err(|error| of_host(&error))?;
    for recipient in &notice.to {
        to.push(match recipient {
            Recipient::Manager => manager(&client.source, letter).await?,
            other => address_of(letter, sender, other)?,
        });
    }
    let mail = Mail {
        subject: notice.subject.clone(),
        body: if notice.html { MailBody::Html } else { MailBody::Text }(notice.body_with_links()),
        to: to.clone(),
        cc: Vec::new(),
        attachments: notice.attach.iter().map(|file| attachment(file, letter.library)).collect(),
    };
    match client.target.graph().send_mail(sender, &mail).await {
        Ok(()) => Ok(to.join(", ")),
        Err(error) if matches!(error.class, Class::UnknownOutcome) => Err(Refused::Unknown),
        Err(error) => Err(not_sent(&error)),
    }
}

/// A file of a message: with the message's values in it, or as it lies in the library.
fn attachment(file: &scripting::Attachment, library: &Library) -> MailAttachment {
    let made = file.text.as_ref().map(|text| LibraryFile::new(&file.name, text.clone().into()));
    let content = made.as_ref().or_else(|| library.file(&file.name));
    MailAttachment {
        name: file.name.clone(),
        content_type: file.content_type.clone(),
        base64: content.map(LibraryFile::base64).unwrap_or_default(),
    }
}

/// What an error means for a message that was not sent.
fn not_sent(error: &TenantError) -> Refused {
    match (&error.class, error.retry()) {
        (Class::Throttled { retry_after }, _) => Refused::ForNow(*retry_after),
        (_, tenant::Retry::Later(pause)) => Refused::ForNow(pause),
        (_, tenant::Retry::Now) => Refused::ForNow(Duration::from_secs(5)),
        (_, tenant::Retry::Never) => Refused::ForGood(error.to_string()),
    }
}

/// The address of the person's manager, as the source's directory has it.
async fn manager(source: &TenantClient, letter: &Letter<'_>) -> Result<String, Refused> {
    let Some(user) = letter.user else {
        let why = "the notification script addresses a manager, and the event is a wave's";
        return Err(Refused::ForGood(why.to_owned()));
    };
    let found = source.graph().get_manager(&user.source.object_id).await;
    let found = found.map_err(|error| not_sent(&error))?;
    found.and_then(|manager| manager.mail).filter(|mail| !mail.is_empty()).ok_or_else(|| {
        let name = &user.source.user_principal_name;
        Refused::ForGood(format!("{name} has no manager with a mail address in the source"))
    })
}

/// Posts it to the project's receiver. A try whose outcome is not known is made again: the receiver
/// knows the message by its id.
async fn webhook(host: &Host, letter: &Letter<'_>) -> Result<String, Refused> {
    let Letter { project, user, event, notice, id, .. } = letter;
    let webhook =
        host.webhooks.of(project).await.map_err(|error| of_host(&error))?.ok_or_else(|| {
            let why =
                "the script sends a webhook, and the project names no receiver (on this host)";
            Refused::ForGood(why.to_owned())
        })?;
    let body = serde_json::json!({
        "id": id,
        "event": event.kind.name(),
        "at": event.at,
        "project": project.id,
        "wave": event.wave,
        "user": user.map(|user| &user.source.user_principal_name),
        "to": notice.to,
        "language": notice.language,
        "subject": notice.subject,
        "body": notice.body,
        "html": notice.html,
        "attach": notice.attach,
        "links": notice.links,
    });
    match webhook.post(id, host.clock.now(), body.to_string().into()).await {
        Ok(()) => Ok(format!("webhook at {}", webhook.host())),
        Err(WebhookError::Refused(why)) => Err(Refused::ForGood(why)),
        Err(WebhookError::NotNow { text, .. }) if letter.attempts + 1 >= MAX_WEBHOOK_TRIES => {
            Err(Refused::ForGood(format!("{text}; given up after {MAX_WEBHOOK_TRIES} tries")))
        }
        Err(WebhookError::NotNow { pause, .. }) => Err(Refused::ForNow(pause)),
    }
}

/// A failure of the host itself, or of the script.
pub(super) fn of_host(error: &StepError) -> Refused {
    match error.failure {
        // No worker could be started: that is no fault of the script.
        Failure::Park if error.code == Code::R021.as_str() => {
            Refused::ForNow(Duration::from_secs(30))
        }
        // A script's errors begin with their code already.
        Failure::Park if error.message.starts_with(&*error.code) => {
            Refused::ForGood(error.message.clone())
        }
        Failure::Park => Refused::ForGood(format!("{}: {}", error.code, error.message)),
        _ => Refused::ForNow(Duration::from_secs(30)),
    }
}

/// The address behind a role. Free addresses are let through only into the project's own domains.
fn address_of(letter: &Letter<'_>, sender: &str, recipient: &Recipient) -> Result<String, Refused> {
    let Letter { project, user, event, .. } = letter;
    match recipient {
        Recipient::User => {
            let Some(user) = user else {
                let why = "the notification script addresses a user, and the event is a wave's";
                return Err(Refused::ForGood(why.to_owned()));
            };
            let moved = event.kind == EventKind::CutoverComplete;
            let target = user.target.as_ref().map(|target| target.user_principal_name.clone());
            Ok(target.filter(|_| moved).unwrap_or_else(|| user.source.mail.clone()))
        }
        Recipient::Owner => Ok(sender.to_owned()),
        // The policy gate has let it through.
        Recipient::Address(address) => Ok(address.clone()),
        Recipient::List(list) => project.policy.lists.get(list).cloned().ok_or_else(|| {
            Refused::ForGood(format!("the project file names no address for the list `{list}`"))
        }),
        Recipient::Manager => Err(Refused::ForGood(
            "a manager is looked up in the source, and only for mail".to_owned(),
        )),
    }
}
