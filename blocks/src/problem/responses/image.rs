//! `imageresponse`: a point on a picture (capa reference, section 3.14).

use serde_json::{Value as Json, json};

use super::{Graded, Grader, Input, missing};
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::inputs::image_point;
use crate::problem::python;
use crate::problem::tree::Node;

/// Points on pictures.
#[derive(Debug, Clone)]
pub(in crate::problem) struct Image {
    places: Vec<Place>,
}

/// Where the right points of one picture are, as its author wrote it.
#[derive(Debug, Clone)]
struct Place {
    rectangle: Option<String>,
    regions: Option<String>,
}

impl Image {
    pub(super) fn build(node: &Node) -> Self {
        let inputs = node.descendants().into_iter().filter(|child| child.name == "imageinput");
        let places = inputs.map(|input| Place {
            rectangle: input.get("rectangle").map(str::to_owned),
            regions: input.get("regions").map(str::to_owned),
        });
        Self { places: places.collect() }
    }
}

impl Grader for Image {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let mut graded = Graded::default();
        for (input, place) in inputs.iter().zip(&self.places) {
            let given = grading.answers.get(&input.id).ok_or_else(|| missing(&input.id))?;
            let is_right = match given.as_str() {
                Some("") => false,
                _ => {
                    let point = image_point(given).ok_or_else(|| bad_point(&input.id, given))?;
                    place.holds(point)?
                }
            };
            graded.entries.push((input.id.clone(), Entry::right(is_right)));
        }
        Ok(graded)
    }

    fn answers_to_give(&self, inputs: &[Input]) -> Vec<(String, Json)> {
        let points = inputs.iter().zip(&self.places).filter_map(|(input, place)| {
            let (x, y) = place.inside()?;
            Some((input.id.clone(), json!(format!("[{x},{y}]"))))
        });
        points.collect()
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        let shown = |place: &Place| json!({ "rectangle": place.rectangle, "regions": place.regions });
        Ok(inputs.iter().zip(&self.places).map(|(input, place)| (input.id.clone(), shown(place))).collect())
    }
}

/// How many characters of an answer that is no point are said again.
const SAID: usize = 200;

fn bad_point(id: &str, given: &Json) -> GradeError {
    let mut given = python::printed(given);
    // An answer can be as long as anybody likes; what is said of it is not.
    if let Some((end, _)) = given.char_indices().nth(SAID) {
        given.truncate(end);
        given.push('…');
    }
    GradeError::Author(format!(
        "[capamodule.capa.responsetypes.imageinput] error grading {id} (input={given})"
    ))
}

impl Place {
    /// Finds a point inside: the middle of the first rectangle, or of the corners of the first region.
    fn inside(&self) -> Option<(i64, i64)> {
        let rectangle = self.rectangle.as_deref().and_then(|text| text.split(';').next()).and_then(corners);
        if let Some([left, top, right, bottom]) = rectangle {
            return Some((left.midpoint(right), top.midpoint(bottom)));
        }
        let regions = read_regions(self.regions.as_deref()?).ok()?;
        let corners = regions.first().filter(|corners| !corners.is_empty())?;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "pictures are small, and points whole pixels"
        )]
        let middle = |one: fn(&Point) -> f64| {
            (corners.iter().map(one).sum::<f64>() / corners.len() as f64).round() as i64
        };
        Some((middle(|corner| corner.0), middle(|corner| corner.1)))
    }

    fn holds(&self, point: (i64, i64)) -> Result<bool, GradeError> {
        for rectangle in
            self.rectangle.iter().filter(|text| !text.is_empty()).flat_map(|text| text.split(';'))
        {
            let [left, top, right, bottom] = corners(rectangle).ok_or_else(|| {
                GradeError::Author(format!("the rectangle {rectangle:?} is not written (x1,y1)-(x2,y2)"))
            })?;
            if (left..=right).contains(&point.0) && (top..=bottom).contains(&point.1) {
                return Ok(true);
            }
        }
        let Some(regions) = self.regions.as_ref().filter(|text| !text.is_empty()) else {
            return Ok(false);
        };
        #[expect(clippy::cast_precision_loss, reason = "pictures are smaller than 2^52 pixels")]
        let point = (point.0 as f64, point.1 as f64);
        Ok(read_regions(regions)?.into_iter().any(|region| is_inside(&convex_hull(region), point)))
    }
}

/// Reads `(x1,y1)-(x2,y2)`, with either kind of brackets; what follows is not looked at.
fn corners(text: &str) -> Option<[i64; 4]> {
    let text: String = text.trim().split(' ').collect();
    let mut rest = text.as_str();
    let mut numbers = [0; 4];
    for (at, number) in numbers.iter_mut().enumerate() {
        rest = if at % 2 == 0 { rest.strip_prefix(['(', '['])? } else { rest.strip_prefix(',')? };
        let end = rest.find(|character: char| !character.is_ascii_digit()).filter(|end| *end > 0)?;
        *number = rest[..end].parse().unwrap_or(i64::MAX);
        rest = &rest[end..];
        if at % 2 == 1 {
            rest = rest.strip_prefix([')', ']'])?;
            if at == 1 {
                rest = rest.strip_prefix('-')?;
            }
        }
    }
    Some(numbers)
}

type Point = (f64, f64);

/// Reads regions: a list of lists of points, or the points of the only region.
fn read_regions(text: &str) -> Result<Vec<Vec<Point>>, GradeError> {
    let fault = |what: String| GradeError::Author(format!("the regions {text:?} cannot be used: {what}"));
    let json: Json = serde_json::from_str(text).map_err(|error| fault(error.to_string()))?;
    if python::is_false(&json) {
        return Ok(Vec::new());
    }
    let no_points = || fault("they are no lists of points".into());
    let list = json.as_array().ok_or_else(no_points)?;
    let Some(first) = list.first() else {
        return Ok(Vec::new());
    };
    let is_single = !first.get(0).ok_or_else(no_points)?.is_array();
    let regions = if is_single { std::slice::from_ref(&json) } else { list.as_slice() };
    let point = |point: &Json| Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?));
    regions
        .iter()
        .map(|region| region.as_array()?.iter().map(point).collect::<Option<Vec<_>>>())
        .collect::<Option<_>>()
        .ok_or_else(no_points)
}

/// Tells on which side of the line from `a` to `b` a point lies.
fn side(a: Point, b: Point, point: Point) -> f64 {
    (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0)
}

/// Returns the corners of the convex hull against the clock; fewer than three where it has no inside.
fn convex_hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.dedup();
    let half = |points: &mut dyn Iterator<Item = Point>| {
        let mut hull: Vec<Point> = Vec::new();
        for point in points {
            while let [.., a, b] = hull[..]
                && side(a, b, point) <= 0.0
            {
                hull.pop();
            }
            hull.push(point);
        }
        hull.pop();
        hull
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}

/// Tells whether a point lies inside, not on the boundary.
fn is_inside(hull: &[Point], point: Point) -> bool {
    let edges = hull.iter().zip(hull.iter().cycle().skip(1));
    hull.len() > 2 && edges.into_iter().all(|(a, b)| side(*a, *b, point) > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_read_with_either_brackets() {
        assert_eq!(corners(" ( 1, 2)-[3,4 ]x"), Some([1, 2, 3, 4]));
        for bad in ["", "(1,2)(3,4)", "(1,2)-(3,)", "(-1,2)-(3,4)", "$r"] {
            assert_eq!(corners(bad), None, "{bad}");
        }
    }

    #[test]
    fn regions_are_the_inside_of_their_hull() {
        let hull = convex_hull(vec![(0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0), (5.0, 5.0)]);
        assert_eq!(hull.len(), 4);
        assert!(
            is_inside(&hull, (1.0, 1.0)) && !is_inside(&hull, (0.0, 5.0)) && !is_inside(&hull, (11.0, 5.0))
        );
        for none in ["null", "false", "0", "[]", "{}"] {
            assert_eq!(read_regions(none), Ok(Vec::new()), "{none}");
        }
        assert!(read_regions("1").is_err());
        for flat in [vec![], vec![(1.0, 1.0)], vec![(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]] {
            assert!(!is_inside(&convex_hull(flat), (1.0, 1.0)));
        }
    }
}
