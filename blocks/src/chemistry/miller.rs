//! Lattice planes that learners draw, by their Miller indices.

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};
use serde_json::Value as Json;

use super::ChemistryError;

/// The largest denominator of a place where a plane cuts an axis.
const DENOMINATOR: u32 = 10;

/// A plane through the origin is measured from the first of these corners that does not lie on it.
const CORNERS: [[i64; 3]; 4] = [[0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]];

/// Learners draw on a grid of twentieths.
const GRID: f64 = 20.0;

/// Compares a drawn plane, `{"lattice": "sc", "points": [["1", "0", "0"], ...]}`, with the lattice and the Miller indices
/// it should have, such as `(1,1,0)`. A plane has no front and back.
///
/// # Errors
/// [`ChemistryError::Lattice`] where the answer is not written so.
pub fn miller_grade(answer: &str, lattice: &str, indices: &str) -> Result<bool, ChemistryError> {
    let answer: Json = serde_json::from_str(answer).map_err(|error| unread(error.to_string()))?;
    let drawn = answer.get("lattice").and_then(Json::as_str).ok_or_else(|| unread("it has no lattice"))?;
    if drawn != lattice {
        return Ok(false);
    }
    let points = answer.get("points").and_then(Json::as_array).ok_or_else(|| unread("it has no points"))?;
    let mut read = Vec::new();
    for point in points {
        let parts = point
            .as_array()
            .filter(|parts| parts.len() == 3)
            .ok_or_else(|| unread("a point has three parts"))?;
        let mut place = [0_i64; 3];
        for (place, part) in place.iter_mut().zip(parts) {
            let number = match part {
                Json::String(text) => text.trim().parse().ok(),
                other => other.as_f64(),
            };
            *place = number.and_then(to_grid).ok_or_else(|| unread("a part of a point is a number"))?;
        }
        read.push(place);
    }
    let [first, second, third, ..] = read[..] else {
        return Ok(false);
    };
    let drawn = indices_of([first, second, third]);
    let turned = drawn.map(|index| -index);
    let wanted = indices.replace(' ', "");
    Ok(wanted == written(drawn) || wanted == written(turned))
}

/// Returns the Miller indices of the plane through three points, `(0,0,0)` where they lie on a line. Coordinates are
/// moved to the grid that learners draw on.
///
/// # Errors
/// [`ChemistryError::Lattice`] for coordinates that are no numbers, or far away.
pub fn miller_indices(points: [[f64; 3]; 3]) -> Result<String, ChemistryError> {
    let mut read = [[0_i64; 3]; 3];
    for (point, from) in read.iter_mut().zip(points) {
        for (place, part) in point.iter_mut().zip(from) {
            *place = to_grid(part).ok_or_else(|| unread("a part of a point is a number"))?;
        }
    }
    Ok(written(indices_of(read)))
}

fn unread(reason: impl Into<String>) -> ChemistryError {
    ChemistryError::Lattice { reason: reason.into() }
}

/// Counts in twentieths, to which coordinates are rounded.
fn to_grid(value: f64) -> Option<i64> {
    (value * GRID + 0.5).floor().to_i64().filter(|steps| steps.unsigned_abs() < 1 << 20)
}

/// Returns the indices of the plane through points counted in steps of the grid.
fn indices_of([first, second, third]: [[i64; 3]; 3]) -> [i64; 3] {
    let along = |other: [i64; 3]| [other[0] - first[0], other[1] - first[1], other[2] - first[2]];
    let (u, v) = (along(second).map(i128::from), along(third).map(i128::from));
    let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    if normal == [0; 3] {
        return [0; 3];
    }
    // What a corner is away from the plane, in the normal's measure; a corner is 20 steps from the next.
    let away = CORNERS.iter().map(|corner| {
        (0..3).map(|axis| normal[axis] * i128::from(first[axis] - 20 * corner[axis])).sum::<i128>()
    });
    let distance = away.into_iter().find(|away| *away != 0).unwrap_or(1);
    let indices = normal.map(|part| if part == 0 { (0, 1) } else { reciprocal(distance, 20 * part) });
    let scale = indices.iter().fold(1, |scale, (_, below)| lcm(scale, *below));
    indices.map(|(above, below)| above * (scale / below))
}

fn lcm(a: i64, b: i64) -> i64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    if x == 0 { 0 } else { (a / x * b).abs() }
}

/// Turns the place where an axis is cut, taken for the nearest fraction with a small denominator, into one over it.
fn reciprocal(above: i128, below: i128) -> (i64, i64) {
    let (above, below) = nearest(BigInt::from(above), BigInt::from(below));
    let (above, below) = (above.to_i64().unwrap_or_default(), below.to_i64().unwrap_or(1));
    match above {
        // Nearer than any such fraction is, the smallest one stands for it.
        0 => (i64::from(DENOMINATOR), 1),
        _ if above < 0 => (-below, -above),
        _ => (below, above),
    }
}

/// Returns the fraction nearest to another one among those with a denominator of at most [`DENOMINATOR`], of two as near
/// the one with the smaller denominator.
fn nearest(above: BigInt, below: BigInt) -> (BigInt, BigInt) {
    let (above, below) = if below.is_negative() { (-above, -below) } else { (above, below) };
    let mut best: Option<(BigInt, BigInt)> = None;
    for denominator in 1..=DENOMINATOR {
        let denominator = BigInt::from(denominator);
        // The numerator nearest to it: half of what remains rounds down or up alike, as a smaller denominator has it.
        let twice: BigInt = &above * &denominator * 2_u32 + &below;
        let numerator = floor_div(&twice, &(&below * 2_u32));
        let distance = |n: &BigInt, d: &BigInt| (n * &below - &above * d).abs();
        let is_nearer = best
            .as_ref()
            .is_none_or(|(n, d)| distance(&numerator, &denominator) * d < distance(n, d) * &denominator);
        if is_nearer {
            best = Some((numerator, denominator));
        }
    }
    best.unwrap_or((BigInt::zero(), BigInt::one()))
}

fn floor_div(a: &BigInt, b: &BigInt) -> BigInt {
    let quotient = a / b;
    if (a % b).is_negative() { quotient - 1 } else { quotient }
}

fn written([h, k, l]: [i64; 3]) -> String {
    format!("({h},{k},{l})")
}
