//! The table and its key.

use catalogue::table::{EXPIRES, INDEX, LISTING, PARTITION, SORT};

use crate::{
    names::tags,
    node::{Node, list, map, nothing, reference, sub, when},
};

fn text_attribute(name: &str) -> Node {
    map([("AttributeName", name.into()), ("AttributeType", "S".into())])
}

fn key_part(name: &str, kind: &str) -> Node {
    map([("AttributeName", name.into()), ("KeyType", kind.into())])
}

/// The one table. It stays when the stack is removed, and cannot be deleted by accident.
pub(crate) fn table() -> Node {
    map([
        ("Type", "AWS::DynamoDB::Table".into()),
        ("DeletionPolicy", "Retain".into()),
        ("UpdateReplacePolicy", "Retain".into()),
        (
            "Properties",
            map([
                ("TableName", reference("AWS::StackName")),
                ("BillingMode", "PAY_PER_REQUEST".into()),
                ("AttributeDefinitions", list([PARTITION, SORT, LISTING].map(text_attribute))),
                ("KeySchema", list([key_part(PARTITION, "HASH"), key_part(SORT, "RANGE")])),
                (
                    "GlobalSecondaryIndexes",
                    list([map([
                        ("IndexName", INDEX.into()),
                        (
                            "KeySchema",
                            list([key_part(LISTING, "HASH"), key_part(PARTITION, "RANGE")]),
                        ),
                        ("Projection", map([("ProjectionType", "KEYS_ONLY".into())])),
                    ])]),
                ),
                (
                    "TimeToLiveSpecification",
                    map([("AttributeName", EXPIRES.into()), ("Enabled", true.into())]),
                ),
                (
                    "PointInTimeRecoverySpecification",
                    map([("PointInTimeRecoveryEnabled", true.into())]),
                ),
                ("DeletionProtectionEnabled", true.into()),
                ("StreamSpecification", map([("StreamViewType", "NEW_AND_OLD_IMAGES".into())])),
                (
                    "SSESpecification",
                    when(
                        "OwnKey",
                        map([
                            ("SSEEnabled", true.into()),
                            ("SSEType", "KMS".into()),
                            ("KMSMasterKeyId", reference("Key")),
                        ]),
                        nothing(),
                    ),
                ),
                ("Tags", tags("data")),
            ]),
        ),
    ])
}

/// The customer-managed key, when one is wanted.
pub(crate) fn key() -> Node {
    let statement = |sid: &str, principal: Node, actions: Vec<&str>| {
        map([
            ("Sid", sid.into()),
            ("Effect", "Allow".into()),
            ("Principal", principal),
            ("Action", list(actions)),
            ("Resource", "*".into()),
        ])
    };
    let root = map([("AWS", sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"))]);
    let service = map([("Service", list(["events.amazonaws.com", "cloudwatch.amazonaws.com"]))]);
    map([
        ("Type", "AWS::KMS::Key".into()),
        ("Condition", "OwnKey".into()),
        ("DeletionPolicy", "Retain".into()),
        ("UpdateReplacePolicy", "Retain".into()),
        (
            "Properties",
            map([
                ("Description", sub("Table, queues and alarms of ${AWS::StackName}")),
                ("EnableKeyRotation", true.into()),
                (
                    "KeyPolicy",
                    map([
                        ("Version", "2012-10-17".into()),
                        (
                            "Statement",
                            Node::List(vec![
                                statement("TheAccountDecides", root, vec!["kms:*"]),
                                statement(
                                    "AlarmsAndEventsMaySend",
                                    service,
                                    vec!["kms:Decrypt", "kms:GenerateDataKey"],
                                ),
                            ]),
                        ),
                    ]),
                ),
                ("Tags", tags("data")),
            ]),
        ),
    ])
}
