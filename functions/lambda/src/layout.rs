//! How the deployment's table treats records apart.

use aws::Layout;
use model::Keys;

/// The layout that every program of a deployment uses: a copy's records share its checkpoint's item.
pub fn layout() -> Layout {
    let anchor =
        |partition: &str| Keys::is_copy_partition(partition).then_some(content::CHECKPOINT);
    Layout { anchor: Some(anchor), ..Layout::default() }
}
