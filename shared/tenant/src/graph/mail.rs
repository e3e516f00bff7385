//! Sending mail, and inviting guests.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Graph, nullable};
use crate::{Lane, Operation, TenantError};

const SEND_MAIL: Operation = Operation::new("send mail", &["Mail.Send"]);
const INVITE: Operation = Operation::new(
    "invite guest",
    &["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
);

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: MailBody,
    /// To whom, addresses.
    pub to: Vec<String>,
    /// Copies, addresses.
    pub cc: Vec<String>,
    /// Files, at most some 3 MB together: the request has at most 4 MB.
    pub attachments: Vec<MailAttachment>,
}

/// A file that goes with a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailAttachment {
    /// The file's name.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// The bytes, as Base64.
    pub base64: String,
}

/// The text of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailBody {
    /// Plain text.
    Text(String),
    /// HTML.
    Html(String),
}

impl Default for MailBody {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// An invitation to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewInvitation {
    /// Who is invited.
    pub invited_user_email_address: String,
    /// The name that people will see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_user_display_name: Option<String>,
    /// Where the guest gets to after accepting.
    pub invite_redirect_url: String,
    /// Whether Microsoft sends the invitation by mail now.
    pub send_invitation_message: bool,
}

/// An invitation that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Invitation {
    /// Its id.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    /// The link by which the guest accepts. Whoever has it can accept: treat it as a secret.
    pub invite_redeem_url: Option<String>,
    /// `PendingAcceptance`, `Completed`, `InProgress`, `Error`.
    pub status: Option<String>,
    /// The guest's user object.
    #[serde(deserialize_with = "nullable")]
    pub invited_user: InvitedUser,
}

/// The user object of a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct InvitedUser {
    /// The object id.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
}

impl Graph {
    /// Sends a message from a mailbox of the tenant. `Ok` means that it is queued. Not idempotent:
    /// after [`crate::Class::UnknownOutcome`] it may have been sent.
    pub async fn send_mail(&self, sender: &str, mail: &Mail) -> Result<(), TenantError> {
        let (content_type, content) = match &mail.body {
            MailBody::Text(text) => ("text", text),
            MailBody::Html(html) => ("html", html),
        };
        let recipients = |addresses: &[String]| -> Vec<_> {
            let one = |address| json!({ "emailAddress": { "address": address } });
            addresses.iter().map(one).collect()
        };
        let attachment = |file: &MailAttachment| {
            json!({
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": file.name,
                "contentType": file.content_type,
                "contentBytes": file.base64,
            })
        };
        let mut body = json!({
            "message": {
                "subject": mail.subject,
                "body": { "contentType": content_type, "content": content },
                "toRecipients": recipients(&mail.to),
                "ccRecipients": recipients(&mail.cc),
            },
            "saveToSentItems": false,
        });
        if !mail.attachments.is_empty()
            && let Some(message) = body.get_mut("message").and_then(Value::as_object_mut)
        {
            let files: Vec<Value> = mail.attachments.iter().map(attachment).collect();
            message.insert("attachments".to_owned(), files.into());
        }
        let call = self.post(SEND_MAIL, &["users", sender, "sendMail"]).json(&body);
        call.mailbox(sender).done().await
    }

    /// Makes a guest of somebody; see [`NewInvitation::send_invitation_message`].
    pub async fn invite(&self, invitation: &NewInvitation) -> Result<Invitation, TenantError> {
        let call = self.post(INVITE, &["invitations"]).json(invitation);
        call.lane(Lane::Invitations).read().await
    }
}
