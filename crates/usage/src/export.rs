//! Usage as a table for spreadsheets, row by row.

use base::csv::cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use access::Caller;
use base::args;
use base::db::{DbError, Row};
use base::time::At;

use crate::explore::SeriesFilter;
use crate::filter::{Dimension, View};
use crate::numbers::Numbers;
use crate::period::Period;
use crate::rollup::teams_of;
use crate::span::instant;
use crate::{Error, Usage, sql};

/// The columns.
pub(crate) const HEAD: &str = "start,member,member_name,key,key_name,model,teams,calls,ok,failed,\
    aborted,refused,tokens_in,tokens_out,money,p50_ms,p95_ms\r\n";

/// The row behind which the next page begins: when, member, key, model, teams.
#[derive(Debug, Clone)]
pub(crate) struct Place(i64, [String; 4]);

/// An export that was checked.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    view: View,
    period: Period,
}

impl Export {
    /// Before the first row.
    pub(crate) fn start(&self) -> Place {
        Place(self.period.from - 1, <[String; 4]>::default())
    }
}

impl Usage {
    /// Checks an export before its first byte, and folds what is missing.
    pub(crate) async fn export(
        &self,
        caller: &Caller,
        asked: &SeriesFilter,
    ) -> Result<(Export, Option<At>), Error> {
        let (view, period) = self.asked(caller, asked)?;
        let until = self.fold_to_read(&view.scope).await?.until;
        Ok((Export { view, period }, until))
    }

    /// The next rows as text, and where the ones behind begin; none behind the last.
    pub(crate) async fn export_page(
        &self,
        caller: &Caller,
        Export { view, period }: &Export,
        after: Place,
    ) -> Result<Option<(String, Place)>, Error> {
        let filter = &view.filter;
        let statement = if filter.member.is_empty() { sql::EXPORT } else { sql::EXPORT_OF_MEMBER };
        let Place(at, names) = after;
        let mut args = args![
            period.bucket.as_str(),
            at.max(period.from),
            period.to,
            filter.member.as_str(),
            filter.key.as_str(),
            filter.model.as_str(),
            filter.team_pattern(),
            at,
        ];
        args.extend(names.map(base::db::Value::from));
        let rows = self.databases.of(&view.scope)?.all(statement, args).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let (last, _) = keys(last)?;
        let (mut members, mut keyed) = (BTreeSet::new(), BTreeSet::new());
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let (place, numbers) = keys(row)?;
            let [member, key, _, _] = &place.1;
            members.extend(Some(member.clone()).filter(|id| !id.is_empty()));
            keyed.extend(Some(key.clone()).filter(|id| !id.is_empty()));
            found.push((place, numbers));
        }
        let members: Vec<String> = members.into_iter().collect();
        let keyed: Vec<String> = keyed.into_iter().collect();
        let members = self.names_of_ids(caller, Dimension::Member, &members).await;
        let keyed = self.names_of_ids(caller, Dimension::Key, &keyed).await;
        let mut text = String::new();
        for (place, numbers) in &found {
            line(&mut text, place, numbers, &members, &keyed);
        }
        Ok(Some((text, last)))
    }
}

fn keys(row: &Row) -> Result<(Place, Numbers), DbError> {
    let names =
        [row.text("member_id")?, row.text("key_id")?, row.text("model")?, row.text("team_ids")?];
    Ok((Place(row.int("at")?, names), Numbers::stored(row)?))
}

fn line(
    text: &mut String,
    Place(at, [member, key, model, teams]): &Place,
    numbers: &Numbers,
    members: &BTreeMap<String, String>,
    keys: &BTreeMap<String, String>,
) {
    let name =
        |names: &BTreeMap<String, String>, id| names.get(id).map_or("", String::as_str).to_owned();
    let texts = [
        instant(*at).to_string(),
        member.clone(),
        name(members, member),
        key.clone(),
        name(keys, key),
        model.clone(),
        teams_of(teams).join(" "),
    ];
    for one in texts {
        text.push_str(&cell(&one));
        text.push(',');
    }
    let ms = |percent| {
        numbers.latency.percentile_ms(percent).map(|ms| ms.to_string()).unwrap_or_default()
    };
    let _infallible = write!(
        text,
        "{},{},{},{},{},{},{},{},{},{}\r\n",
        numbers.calls(),
        numbers.ok,
        numbers.failed,
        numbers.aborted,
        numbers.refused,
        numbers.tokens_in,
        numbers.tokens_out,
        numbers.money,
        ms(50),
        ms(95)
    );
}
