//! Signatures are verified and permissions are checked by the double: for an IAM user of its own.

use std::sync::{Arc, LazyLock};

use aws::{Access, AwsError, DynamoStore, RoleIdentity, Secrets};
use double::{Double, Mode};
use ports::{Change, CommitError, Key, Store as _};
use serde_json::json;
use system::SystemClock;
use tenant::{AssertionError, AssertionSource as _};

use crate::{
    account::{self, Line, caller},
    support::{Impatient, access, create_table, new_double, random, unique},
};

static STRICT: LazyLock<Double> = LazyLock::new(|| new_double(Mode::Strict));

fn tag(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

/// Key and secret of a user who may do this.
async fn user(double: &Double, actions: &[&str]) -> (String, String) {
    let name = unique("user");
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": actions, "Resource": "*" }
    ] });
    let policy = policy.to_string();
    let iam = async |pairs: &[(&str, &str)]| {
        let version = [("Version", "2010-05-08"), ("UserName", &name)];
        account::form(double, "iam", &[&version, pairs].concat()).await
    };
    iam(&[("Action", "CreateUser")]).await;
    let document = [("PolicyName", "p"), ("PolicyDocument", &*policy)];
    iam(&[&[("Action", "PutUserPolicy")], &document[..]].concat()).await;
    let keys = iam(&[("Action", "CreateAccessKey")]).await;
    (tag(&keys, "AccessKeyId"), tag(&keys, "SecretAccessKey"))
}

fn access_of(double: &Double, key: &str, secret: &str) -> Access {
    Access::new("eu-west-1", key, secret, None).at(double.endpoint())
}

/// The service refuses what was not signed at the present moment, so this test's clock is the
/// machine's; nothing of its outcome depends on the time.
#[tokio::test]
async fn our_signature_is_the_one_that_the_service_calculates() {
    let (double, id) = (&*STRICT, unique("signed"));
    let body = json!({ "Name": id, "SecretString": "open" });
    account::json(double, "secretsmanager", "secretsmanager.CreateSecret", &body).await;
    let (key, secret) = user(double, &["secretsmanager:GetSecretValue"]).await;
    let secrets = |secret: &str| {
        Secrets::new(caller(access_of(double, &key, secret), &Line::new(), Arc::new(SystemClock)))
    };
    assert_eq!(secrets(&secret).text(&id).await.unwrap().expose(), "open");
    let Err(AwsError::Refused { code, .. }) = secrets("wrong").text(&id).await else { panic!() };
    assert_eq!(code, "InvalidSignatureException");

    let (key, secret) = user(double, &["dynamodb:GetItem"]).await;
    let secrets =
        Secrets::new(caller(access_of(double, &key, &secret), &Line::new(), Arc::new(SystemClock)));
    let Err(AwsError::Refused { code, text }) = secrets.text(&id).await else { panic!() };
    assert_eq!(code, "AccessDeniedException");
    for part in ["secretsmanager:GetSecretValue", &*id, "compare it with the template"] {
        assert!(text.contains(part), "`{part}` in {text}");
    }
}

/// One role speaks for all functions: each may assume it, and it alone is known to Entra.
#[tokio::test]
async fn a_function_signs_in_through_the_role_that_it_may_assume() {
    let (double, role) = (&*STRICT, unique("identity"));
    let arn = format!("arn:aws:iam::000000000000:role/{role}");
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": "arn:aws:iam::000000000000:root" } }
    ] });
    let may = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*" }
    ] });
    let (trust, may) = (trust.to_string(), may.to_string());
    let iam = async |pairs: &[(&str, &str)]| {
        let version = [("Version", "2010-05-08"), ("RoleName", &role)];
        account::form(double, "iam", &[&version, pairs].concat()).await
    };
    iam(&[("Action", "CreateRole"), ("AssumeRolePolicyDocument", &trust)]).await;
    iam(&[("Action", "PutRolePolicy"), ("PolicyName", "p"), ("PolicyDocument", &may)]).await;

    let identity = async |actions: &[&str]| {
        let (key, secret) = user(double, actions).await;
        let access = access_of(double, &key, &secret);
        RoleIdentity::new(caller(access, &Line::new(), Arc::new(SystemClock)))
    };
    let function = identity(&["sts:AssumeRole"]).await;
    let token = function.clone().through(&arn).assertion().await.unwrap();
    assert_eq!(token.expose().split('.').count(), 3, "a JWT");
    let Err(AssertionError::Refused(text)) = function.assertion().await else { panic!() };
    assert!(text.contains("sts:GetWebIdentityToken"), "{text}");
    let stranger = identity(&["sts:GetCallerIdentity"]).await.through(&arn);
    let Err(AssertionError::Refused(text)) = stranger.assertion().await else { panic!() };
    assert!(text.contains("sts:AssumeRole") && text.contains("template"), "{text}");
}

/// The store asks for these actions and no others: what a step's role must allow.
#[tokio::test]
async fn the_store_needs_six_actions_and_says_which_one_is_missing() {
    let (double, table) = (&*STRICT, unique("rights"));
    create_table(&access(double).dynamo(), &table).await;
    let all = ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"];
    let all: Vec<String> = all.iter().map(|action| format!("dynamodb:{action}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let store = async |actions: &[&str]| {
        let (key, secret) = user(double, actions).await;
        let client = access_of(double, &key, &secret).dynamo();
        DynamoStore::new(client, &table, Arc::new(Impatient::default()), random())
    };
    let key = |sort: &str| Key::new("C#acme", sort);
    let enough = store(&all).await;
    let changes = [
        Change::create(key("a"), vec![]),
        Change::put(key("b"), vec![]),
        Change::Delete { key: key("c"), expect: ports::Expect::Anything },
        Change::Check { key: key("d"), expect: ports::Expect::Absent },
    ];
    enough.commit(&changes).await.unwrap();
    assert!(enough.get(&key("a")).await.unwrap().is_some());

    let less = store(&all[..3]).await;
    let Err(CommitError::Refused(text)) = less.commit(&changes).await else { panic!() };
    assert!(text.contains("dynamodb:") && text.contains("template"), "{text}");
}
