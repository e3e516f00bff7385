//! What goes wrong with the requests of functions to AWS, when it is asked for.

use catalogue::Function;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::serve::{Answer, refusal, text};

/// What goes wrong, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service refuses for a moment.
    Throttled {
        /// Which action, for instance `dynamodb:PutItem`.
        action: String,
        /// So many requests, every other one that could.
        times: u32,
    },
    /// It is done, and the reply is lost.
    ReplyLost {
        /// Which action.
        action: String,
        /// So many requests, every other one that could.
        times: u32,
    },
    /// It is done twice, as a queue that delivers at least once does now and then.
    Doubled {
        /// Which action.
        action: String,
        /// So many requests, every other one that could.
        times: u32,
    },
    /// Another writer was first: the conditions of a transaction do not hold.
    Raced {
        /// So many transactions, every other one that could.
        times: u32,
    },
    /// The role lacks a permission, until it is granted again.
    Forbidden {
        /// Which function's role.
        function: Function,
        /// Which action.
        action: String,
    },
}

impl Fault {
    /// Whether it is still to happen.
    pub(crate) fn is_left(&self) -> bool {
        match self {
            Self::Throttled { times, .. }
            | Self::ReplyLost { times, .. }
            | Self::Doubled { times, .. }
            | Self::Raced { times } => *times > 0,
            Self::Forbidden { .. } => true,
        }
    }

    /// Whether a request that asks for these actions is one that it goes with.
    fn meets(&self, actions: &[(String, Value)]) -> bool {
        let asked = |what: &str| actions.iter().any(|(action, _)| action == what);
        self.is_left()
            && match self {
                Self::Throttled { action, .. }
                | Self::ReplyLost { action, .. }
                | Self::Doubled { action, .. } => asked(action),
                // Only a transaction asks for several things.
                Self::Raced { .. } => actions.len() > 1,
                Self::Forbidden { .. } => false,
            }
    }

    /// Happens once more, to a request of so many parts.
    fn happen(&mut self, parts: usize) -> Course {
        let (times, course) = match self {
            Self::Throttled { times, .. } => {
                let code = "ProvisionedThroughputExceededException";
                let answer = refusal(StatusCode::BAD_REQUEST, code, "rate exceeded");
                (times, Course::Refuse(answer))
            }
            Self::ReplyLost { times, .. } => (times, Course::LoseReply),
            Self::Doubled { times, .. } => (times, Course::Twice),
            Self::Raced { times } => (times, Course::Refuse(raced(parts))),
            Self::Forbidden { .. } => return Course::On,
        };
        *times = times.saturating_sub(1);
        course
    }
}

/// A fault that was put in.
pub(crate) struct Injected {
    fault: Fault,
    /// Whether the next request that it could meet is let through: what always fails is another kind
    /// of day. Each fault takes turns of its own, so that none depends on how often others are met.
    rests: bool,
}

impl Injected {
    /// A fault that has not happened yet.
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, rests: false }
    }

    /// Which fault, and how often it is still to happen.
    pub(crate) fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Whether a request that asks for these actions is one that it goes with.
    pub(crate) fn meets(&self, actions: &[(String, Value)]) -> bool {
        self.fault.meets(actions)
    }

    /// What becomes of a request of so many parts that it meets.
    pub(crate) fn meet(&mut self, parts: usize) -> Course {
        self.rests = !self.rests;
        if self.rests { self.fault.happen(parts) } else { Course::On }
    }
}

/// What is to become of a request.
pub(crate) enum Course {
    On,
    Refuse(Answer),
    LoseReply,
    Twice,
}

/// A transaction whose first condition did not hold.
fn raced(parts: usize) -> Answer {
    let reason = |place| if place == 0 { "ConditionalCheckFailed" } else { "None" };
    let reasons: Vec<Value> = (0..parts).map(|place| json!({ "Code": reason(place) })).collect();
    let code = "TransactionCanceledException";
    let body = json!({ "__type": code, "message": "lost a race", "CancellationReasons": reasons });
    let mut answer = text(StatusCode::BAD_REQUEST, body.to_string());
    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
    answer.headers_mut().insert("content-type", kind);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(names: &[&str]) -> Vec<(String, Value)> {
        names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
    }

    #[test]
    fn a_fault_happens_at_every_other_request_that_it_goes_with_until_it_is_spent() {
        let action = "dynamodb:PutItem".to_owned();
        let mut fault = Injected::new(Fault::Throttled { action, times: 2 });
        let put = asked(&["dynamodb:PutItem"]);
        let mut refused = Vec::new();
        while fault.meets(&put) {
            refused.push(matches!(fault.meet(1), Course::Refuse(_)));
            // Others' requests in between take no turn of it.
            assert!(!fault.meets(&asked(&["dynamodb:GetItem"])));
        }
        assert_eq!(refused, [true, false, true]);
        assert!(!fault.fault().is_left());
    }

    #[test]
    fn a_lost_race_goes_with_transactions_alone() {
        let fault = Injected::new(Fault::Raced { times: 1 });
        assert!(!fault.meets(&asked(&["dynamodb:PutItem"])));
        assert!(fault.meets(&asked(&["dynamodb:PutItem", "dynamodb:ConditionCheckItem"])));
    }
}
