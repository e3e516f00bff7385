//! How a shared value travels: as the value itself. (The feature of `serde` that does this would be
//! every crate's.)

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<T: Serialize + ?Sized, S: Serializer>(
    value: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (**value).serialize(serializer)
}

pub(crate) fn deserialize<'de, T: ?Sized, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<T>, D::Error>
where
    Box<T>: Deserialize<'de>,
{
    Box::<T>::deserialize(deserializer).map(Arc::from)
}
