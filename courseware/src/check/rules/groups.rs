//! Groups of learners that blocks are for, or divided by.

use std::collections::{BTreeMap, BTreeSet};

use xblock_core::fields::Json;
use xblock_core::runtime::BlockData;

use crate::check::codes::UNKNOWN_GROUP;
use crate::check::course::Course;
use crate::check::findings::Findings;

/// Partitions below this number are made by the platform (enrolment tracks, content gating, teams).
const FIRST_OWN_PARTITION: i64 = 100;

/// Checks `group_access` and the partition of each experiment.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    let partitions = partitions(course);
    for (usage, data) in course.all_blocks() {
        for (field, message) in unknown(data, usage.block_type(), &partitions) {
            match course.place(usage) {
                Some(place) => {
                    findings.report(&UNKNOWN_GROUP, &place.file.text, place.value_offset(field), message);
                }
                None => findings.report_package(&UNKNOWN_GROUP, format!("{usage}: {message}")),
            }
        }
    }
}

/// Lists the partitions of the course with their groups.
fn partitions(course: &Course<'_>) -> BTreeMap<i64, BTreeSet<i64>> {
    let all = course.all_blocks().filter_map(|(_, data)| data.settings.get("user_partitions")?.as_array());
    let id = |value: &Json| value.get("id").and_then(integer);
    all.flatten()
        .filter_map(|partition| {
            let groups = partition.get("groups").and_then(Json::as_array).into_iter().flatten();
            Some((id(partition)?, groups.filter_map(id).collect()))
        })
        .collect()
}

fn unknown(
    data: &BlockData,
    block_type: &str,
    partitions: &BTreeMap<i64, BTreeSet<i64>>,
) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (partition, groups) in
        data.settings.get("group_access").and_then(Json::as_object).into_iter().flatten()
    {
        let Some(number) = partition.parse::<i64>().ok().filter(|number| *number >= FIRST_OWN_PARTITION)
        else {
            continue;
        };
        let named: Vec<i64> = groups.as_array().into_iter().flatten().filter_map(integer).collect();
        match partitions.get(&number) {
            // Without groups everybody has access.
            _ if named.is_empty() => {}
            None => found.push(("group_access", format!("there is no partition {number} of learners"))),
            // Which groups a cohort or a team is, the platform knows.
            Some(groups) if groups.is_empty() => {}
            Some(groups) if !named.iter().any(|group| groups.contains(group)) => {
                found.push(("group_access", format!("partition {number} has none of the groups {named:?}")));
            }
            Some(_) => {}
        }
    }
    if block_type == "split_test"
        && let Some(number) = data
            .settings
            .get("user_partition_id")
            .or_else(|| data.content.get("user_partition_id"))
            .and_then(integer)
        && number >= 0
        && !partitions.contains_key(&number)
    {
        found.push(("user_partition_id", format!("there is no partition {number} of learners")));
    }
    found
}

fn integer(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}
