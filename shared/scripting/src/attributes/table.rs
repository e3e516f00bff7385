//! The rows of the attribute schema, one line each where it fits.
//!
//! Sources: Microsoft Graph's user resource, Set-User, Set-Contact, Set-Mailbox, Set-MailUser and
//! the attributes that Microsoft Entra Connect synchronises.

use super::schema::{AttributeSpec, Format, Kind, Writer};

/// A row with the commonest values; the constructors below change what differs.
const fn row(name: &'static str, meaning: &'static str) -> AttributeSpec {
    AttributeSpec {
        name,
        meaning,
        kind: Kind::Text,
        max_length: None,
        max_values: None,
        format: Format::Free,
        writer: Writer::ReadOnly,
        required: false,
        unique: false,
        contact: false,
        graph: None,
        exchange: None,
        ldap: None,
        note: "",
    }
}

impl AttributeSpec {
    const fn in_graph(mut self) -> Self {
        self.graph = Some(self.name);
        self.writer = Writer::Graph;
        self
    }
    const fn at(mut self, path: &'static str) -> Self {
        self.graph = Some(path);
        self
    }
    const fn in_exchange(mut self, parameter: &'static str) -> Self {
        self.exchange = Some(parameter);
        if matches!(self.writer, Writer::ReadOnly) {
            self.writer = Writer::Exchange;
        }
        self
    }
    const fn in_ldap(mut self, name: &'static str) -> Self {
        self.ldap = Some(name);
        self
    }
    const fn max(mut self, characters: usize) -> Self {
        self.max_length = Some(characters);
        self
    }
    const fn values(mut self, most: usize) -> Self {
        self.max_values = Some(most);
        self
    }
    const fn of(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }
    const fn shaped(mut self, format: Format) -> Self {
        self.format = format;
        self
    }
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }
    const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }
    const fn contact(mut self) -> Self {
        self.contact = true;
        self
    }
    const fn by(mut self, writer: Writer) -> Self {
        self.writer = writer;
        self
    }
    const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

/// Every attribute but the numbered ones, in the order of the vendor's tables.
pub(super) static ROWS: &[AttributeSpec] = &[
    row("id", "object id").in_graph().by(Writer::ReadOnly),
    row("displayName", "display name")
        .in_graph()
        .max(256)
        .shaped(Format::Name)
        .in_exchange("DisplayName")
        .in_ldap("displayName")
        .required()
        .contact()
        .note("Needed to create a user; cannot be cleared."),
    row("givenName", "first name")
        .in_graph()
        .max(64)
        .in_exchange("FirstName")
        .in_ldap("givenName")
        .contact(),
    row("surname", "last name").in_graph().max(64).in_exchange("LastName").in_ldap("sn").contact(),
    row("initials", "initials").in_exchange("Initials").in_ldap("initials").max(6).contact(),
    row("jobTitle", "job title")
        .in_graph()
        .max(128)
        .in_exchange("Title")
        .in_ldap("title")
        .contact(),
    row("department", "department")
        .in_graph()
        .max(64)
        .in_exchange("Department")
        .in_ldap("department")
        .contact(),
    row("companyName", "company")
        .in_graph()
        .max(64)
        .in_exchange("Company")
        .in_ldap("company")
        .contact(),
    row("manager", "manager")
        .in_graph()
        .of(Kind::Link)
        .shaped(Format::User)
        .in_exchange("Manager")
        .in_ldap("manager")
        .note("A link: written in a second pass, when the manager has a match."),
    row("officeLocation", "office")
        .in_graph()
        .max(128)
        .in_exchange("Office")
        .in_ldap("physicalDeliveryOfficeName")
        .contact(),
    row("streetAddress", "street")
        .in_graph()
        .max(1024)
        .in_exchange("StreetAddress")
        .in_ldap("streetAddress")
        .contact(),
    row("city", "city").in_graph().max(128).in_exchange("City").in_ldap("l").contact(),
    row("state", "state or province")
        .in_graph()
        .max(128)
        .in_exchange("StateOrProvince")
        .in_ldap("st")
        .contact(),
    row("postalCode", "postal code")
        .in_graph()
        .max(40)
        .in_exchange("PostalCode")
        .in_ldap("postalCode")
        .contact(),
    row("postOfficeBox", "post office boxes")
        .of(Kind::Texts)
        .in_exchange("PostOfficeBox")
        .in_ldap("postOfficeBox")
        .contact(),
    row("country", "country, free text")
        .in_graph()
        .max(128)
        .in_exchange("CountryOrRegion")
        .in_ldap("co")
        .contact()
        .note("Three attributes in Active Directory (co, c, countryCode), one text in Graph."),
    row("usageLocation", "usage location")
        .in_graph()
        .max(2)
        .shaped(Format::Country)
        .in_ldap("msExchUsageLocation")
        .required()
        .note("Two-letter country code; no licence can be assigned without it."),
    row("businessPhones", "business phone")
        .in_graph()
        .of(Kind::Texts)
        .values(1)
        .max(64)
        .in_exchange("Phone")
        .in_ldap("telephoneNumber")
        .contact()
        .note("A list that holds one value."),
    row("otherTelephone", "other phones")
        .of(Kind::Texts)
        .in_exchange("OtherTelephone")
        .in_ldap("otherTelephone")
        .contact(),
    row("mobilePhone", "mobile phone")
        .in_graph()
        .max(64)
        .in_exchange("MobilePhone")
        .in_ldap("mobile")
        .contact()
        .note("Exchange cannot write it for accounts with an administrator's role."),
    row("faxNumber", "fax")
        .in_graph()
        .max(64)
        .in_exchange("Fax")
        .in_ldap("facsimileTelephoneNumber")
        .contact(),
    row("homePhone", "home phone").in_exchange("HomePhone").in_ldap("homePhone").contact(),
    row("pager", "pager").in_exchange("Pager").in_ldap("pager").contact(),
    row("webPage", "web page").in_exchange("WebPage").in_ldap("wWWHomePage").contact(),
    row("notes", "notes").in_exchange("Notes").in_ldap("info").contact(),
    row("assistantName", "assistant")
        .in_exchange("AssistantName")
        .in_ldap("msExchAssistantName")
        .contact(),
    row("phoneticDisplayName", "phonetic display name")
        .in_exchange("PhoneticDisplayName")
        .in_ldap("msDS-PhoneticDisplayName")
        .contact(),
    row("simpleDisplayName", "display name in ASCII")
        .in_exchange("SimpleDisplayName")
        .in_ldap("displayNamePrintable")
        .max(256)
        .contact(),
    row("seniorityIndex", "seniority in the address book")
        .of(Kind::Number)
        .in_exchange("SeniorityIndex")
        .in_ldap("msDS-HABSeniorityIndex")
        .contact(),
    row("preferredLanguage", "preferred language")
        .in_graph()
        .max(64)
        .shaped(Format::Language)
        .in_ldap("preferredLanguage")
        .note("A culture such as `de-DE`. The mailbox's own language is another setting."),
    row("employeeId", "employee number").in_graph().max(16).in_ldap("employeeID"),
    row("employeeType", "employee type").in_graph().max(64).in_ldap("employeeType"),
    row("employeeHireDate", "hire date").in_graph().of(Kind::Date).shaped(Format::Date),
    row("division", "division").in_graph().at("employeeOrgData.division"),
    row("costCenter", "cost centre").in_graph().at("employeeOrgData.costCenter"),
    row("userPrincipalName", "user principal name")
        .in_graph()
        .max(113)
        .shaped(Format::Upn)
        .in_exchange("MicrosoftOnlineServicesID")
        .in_ldap("userPrincipalName")
        .required()
        .unique()
        .note("The sign-in name. Its domain must be verified in the target; no accents."),
    row("mailNickname", "alias")
        .in_graph()
        .max(64)
        .shaped(Format::Alias)
        .in_exchange("Alias")
        .in_ldap("mailNickname")
        .required()
        .unique()
        .contact(),
    row("mail", "mail address")
        .in_graph()
        .shaped(Format::Address)
        .in_exchange("PrimarySmtpAddress")
        .in_ldap("mail")
        .unique()
        .note("Setting it mail-enables a cloud user; Exchange derives a proxy address from it."),
    row("otherMails", "other mail addresses").in_graph().of(Kind::Texts).shaped(Format::Address),
    row("proxyAddresses", "addresses")
        .in_graph()
        .of(Kind::Texts)
        .max(1123)
        .shaped(Format::Proxies)
        .in_exchange("EmailAddresses")
        .in_ldap("proxyAddresses")
        .by(Writer::Exchange)
        .contact()
        .note("One primary address with `SMTP:`. Graph only reads it. X500 addresses ride here."),
    row("accountEnabled", "sign-in allowed")
        .in_graph()
        .of(Kind::Bool)
        .in_exchange("AccountDisabled")
        .in_ldap("userAccountControl")
        .note("The inverse of Exchange's parameter."),
    row("userType", "member or guest").in_graph().by(Writer::Protected),
    row("externalEmailAddress", "where mail is routed to")
        .by(Writer::Protected)
        .in_exchange("ExternalEmailAddress")
        .in_ldap("targetAddress")
        .shaped(Format::Address)
        .contact()
        .note("Set by prepare and cutover."),
    row("hiddenFromAddressListsEnabled", "hidden from address lists")
        .of(Kind::Bool)
        .by(Writer::Protected)
        .in_exchange("HiddenFromAddressListsEnabled")
        .in_ldap("msExchHideFromAddressLists")
        .contact()
        .note("Set by prepare and cutover, so that exactly one object of a person is visible."),
    row("onPremisesImmutableId", "anchor of directory synchronisation")
        .in_graph()
        .by(Writer::Protected)
        .in_ldap("mS-DS-ConsistencyGuid")
        .note("Not Exchange's ImmutableId, which is a federation id."),
    row("onPremisesSyncEnabled", "synchronised from a directory on premises")
        .in_graph()
        .of(Kind::Bool)
        .by(Writer::ReadOnly),
    row("exchangeGuid", "mailbox id")
        .by(Writer::Protected)
        .in_exchange("ExchangeGuid")
        .in_ldap("msExchMailboxGuid"),
    row("archiveGuid", "archive mailbox id")
        .by(Writer::Protected)
        .in_exchange("ArchiveGuid")
        .in_ldap("msExchArchiveGUID"),
    row("legacyExchangeDN", "old Exchange address")
        .by(Writer::Protected)
        .in_exchange("LegacyExchangeDN")
        .in_ldap("legacyExchangeDN")
        .contact()
        .note("Replies to old mail find the person by it; cutover carries it over as X500."),
    row("forwardingAddress", "forwards to a recipient")
        .by(Writer::Protected)
        .in_exchange("ForwardingAddress")
        .in_ldap("altRecipient"),
    row("forwardingSmtpAddress", "forwards to an address")
        .by(Writer::Protected)
        .in_exchange("ForwardingSmtpAddress")
        .in_ldap("msExchGenericForwardingAddress"),
    row("grantSendOnBehalfTo", "delegates who send on behalf")
        .of(Kind::Texts)
        .by(Writer::Protected)
        .in_exchange("GrantSendOnBehalfTo")
        .in_ldap("publicDelegates")
        .note("Copied with the mailbox's permissions."),
    row("recipientTypeDetails", "Exchange recipient type")
        .by(Writer::ReadOnly)
        .in_ldap("msExchRecipientTypeDetails"),
];

/// Name, path in Graph, parameter of Exchange.
pub(super) static EXTENSION_ATTRIBUTES: [(&str, &str, &str); 15] = [
    (
        "extensionAttribute1",
        "onPremisesExtensionAttributes.extensionAttribute1",
        "CustomAttribute1",
    ),
    (
        "extensionAttribute2",
        "onPremisesExtensionAttributes.extensionAttribute2",
        "CustomAttribute2",
    ),
    (
        "extensionAttribute3",
        "onPremisesExtensionAttributes.extensionAttribute3",
        "CustomAttribute3",
    ),
    (
        "extensionAttribute4",
        "onPremisesExtensionAttributes.extensionAttribute4",
        "CustomAttribute4",
    ),
    (
        "extensionAttribute5",
        "onPremisesExtensionAttributes.extensionAttribute5",
        "CustomAttribute5",
    ),
    (
        "extensionAttribute6",
        "onPremisesExtensionAttributes.extensionAttribute6",
        "CustomAttribute6",
    ),
    (
        "extensionAttribute7",
        "onPremisesExtensionAttributes.extensionAttribute7",
        "CustomAttribute7",
    ),
    (
        "extensionAttribute8",
        "onPremisesExtensionAttributes.extensionAttribute8",
        "CustomAttribute8",
    ),
    (
        "extensionAttribute9",
        "onPremisesExtensionAttributes.extensionAttribute9",
        "CustomAttribute9",
    ),
    (
        "extensionAttribute10",
        "onPremisesExtensionAttributes.extensionAttribute10",
        "CustomAttribute10",
    ),
    (
        "extensionAttribute11",
        "onPremisesExtensionAttributes.extensionAttribute11",
        "CustomAttribute11",
    ),
    (
        "extensionAttribute12",
        "onPremisesExtensionAttributes.extensionAttribute12",
        "CustomAttribute12",
    ),
    (
        "extensionAttribute13",
        "onPremisesExtensionAttributes.extensionAttribute13",
        "CustomAttribute13",
    ),
    (
        "extensionAttribute14",
        "onPremisesExtensionAttributes.extensionAttribute14",
        "CustomAttribute14",
    ),
    (
        "extensionAttribute15",
        "onPremisesExtensionAttributes.extensionAttribute15",
        "CustomAttribute15",
    ),
];

/// Name, parameter of Exchange, name in LDAP.
pub(super) static EXTENSION_CUSTOM_ATTRIBUTES: [(&str, &str, &str); 5] = [
    ("extensionCustomAttribute1", "ExtensionCustomAttribute1", "msExchExtensionCustomAttribute1"),
    ("extensionCustomAttribute2", "ExtensionCustomAttribute2", "msExchExtensionCustomAttribute2"),
    ("extensionCustomAttribute3", "ExtensionCustomAttribute3", "msExchExtensionCustomAttribute3"),
    ("extensionCustomAttribute4", "ExtensionCustomAttribute4", "msExchExtensionCustomAttribute4"),
    ("extensionCustomAttribute5", "ExtensionCustomAttribute5", "msExchExtensionCustomAttribute5"),
];
