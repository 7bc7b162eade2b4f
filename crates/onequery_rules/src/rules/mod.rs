//! One file per rule, named by the bad pattern.

pub(crate) mod commit_in_loop;
pub(crate) mod defeated_prefetch;
pub(crate) mod deferred_field_in_loop;
pub(crate) mod fk_object_for_id;
pub(crate) mod invariant_query_in_loop;
pub(crate) mod lazy_relation_in_loop;
pub(crate) mod query_in_loop;
pub(crate) mod query_in_recursion;
pub(crate) mod write_in_loop;
