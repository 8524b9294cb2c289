//! What is said at the end of a test run: each layer with its seconds, and how to get what was skipped.

use std::time::Duration;

/// How a layer ended.
pub enum End {
    /// It ran and passed.
    Passed,
    /// It ran and failed.
    Failed(String),
    /// It could not run here.
    Skipped {
        /// What is missing.
        why: String,
        /// How to get it.
        remedy: String,
    },
}

/// One layer and its end.
pub struct Row {
    /// The layer's name.
    pub layer: &'static str,
    /// How it ended.
    pub end: End,
    /// How long it took.
    pub took: Duration,
}

/// Prints the table; an error when a layer failed, or was skipped where none may be.
pub fn close(rows: &[Row], none_skipped: bool) -> Result<(), String> {
    println!("\nlayer         seconds  result");
    let (mut failed, mut skipped, mut passed) = (0, 0, 0);
    for row in rows {
        let word = match &row.end {
            End::Passed => {
                passed += 1;
                "passed".to_owned()
            }
            End::Failed(why) => {
                failed += 1;
                format!("FAILED: {why}")
            }
            End::Skipped { why, .. } => {
                skipped += 1;
                format!("skipped: {why}")
            }
        };
        println!("{:<12} {:>8.1}  {word}", row.layer, row.took.as_secs_f64());
    }
    for row in rows {
        if let End::Skipped { remedy, .. } = &row.end {
            println!("to run the layer {}: {remedy}", row.layer);
        }
    }
    println!("layers: {passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        return Err(format!("{failed} of {} layers failed", rows.len()));
    }
    if none_skipped && skipped > 0 {
        return Err(format!("{skipped} layers were skipped, and with CI=true none may be"));
    }
    Ok(())
}
