//! An answer on its way to a reader. When the reader leaves, the answer is stopped and
//! kept as far as it was shown.

use access::{CredentialsEnded, Life};
use axum::response::sse::Event;
use base::problem::Problem;
use base::tasks::Tasks;
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use crate::error::Error;
use crate::kept::Message;
use crate::turn::Turn;

/// Steps that wait for a slow reader; behind that the provider waits too.
const STEPS_MAX: usize = 64;

/// What a turn tells its reader.
#[derive(Debug)]
pub(crate) enum Step {
    /// The call was admitted: an answer comes.
    Begun,
    /// More text.
    Text(String),
    /// Nothing new.
    Alive,
    /// The answer as it was kept, and the refusal, if it was none.
    Ended(Box<Result<(Message, Option<Problem>), Error>>),
}

/// A question that was asked, and its answer while it comes.
#[derive(Debug)]
pub struct Talk {
    question: Option<Message>,
    steps: Steps,
}

/// What comes, as long as the credential lives on which it was asked for. Dropped, the
/// answer is stopped.
#[derive(Debug)]
struct Steps {
    steps: mpsc::Receiver<Step>,
    life: Life,
}

impl Steps {
    /// The next step; none behind the end.
    async fn next(&mut self) -> Result<Option<Step>, CredentialsEnded> {
        let step = self.life.during(self.steps.recv()).await?;
        // The turn ends with the life too, and may have said so first.
        self.life.check()?;
        Ok(step)
    }
}

/// A question and its answer, both as they are kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Answered {
    /// The question; absent when an earlier one was asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Message>,
    /// The answer.
    pub answer: Message,
    /// Why there is none.
    #[serde(skip)]
    pub refused: Option<Problem>,
}

impl Answered {
    /// The refusal as an error, if the answer is one.
    pub fn or_refusal(self) -> Result<Self, Problem> {
        match self.refused {
            Some(problem) => Err(problem),
            None => Ok(self),
        }
    }
}

impl Talk {
    /// Lets a turn run by itself: its end is kept whether or not somebody still listens.
    pub(crate) fn begin(turn: Turn, question: Option<Message>, tasks: &Tasks) -> Self {
        let (sender, steps) = mpsc::channel(STEPS_MAX);
        let life = turn.scope.caller().standing.life.clone();
        tasks.spawn(turn.run(sender));
        Self { question, steps: Steps { steps, life } }
    }

    /// Waits for the end.
    pub async fn whole(mut self) -> Result<Answered, Error> {
        loop {
            match self.steps.next().await? {
                Some(Step::Ended(ended)) => {
                    let (answer, refused) = (*ended)?;
                    return Ok(Answered { question: self.question, answer, refused });
                }
                Some(Step::Begun | Step::Text(_) | Step::Alive) => {}
                None => return Err(Error::NoSuchConversation),
            }
        }
    }

    /// The next piece of text; none at the end.
    pub async fn text(&mut self) -> Option<String> {
        loop {
            match self.steps.next().await.ok()?? {
                Step::Text(text) => return Some(text),
                Step::Begun | Step::Alive => {}
                Step::Ended(_) => return None,
            }
        }
    }

    /// The answer as server-sent events: `question`, then `text` as it comes, then `end` with
    /// the answer as it was kept, or `problem`. A refusal before the first of them is an error.
    pub async fn events(
        mut self,
    ) -> Result<impl Stream<Item = Result<Event, axum::Error>> + Send + use<>, Problem> {
        let first = match self.steps.next().await? {
            Some(Step::Ended(ended)) => match *ended {
                Ok((_, Some(problem))) => return Err(problem),
                Ok((answer, None)) => Some(end(&answer)),
                Err(error) => return Err(error.into()),
            },
            Some(Step::Begun | Step::Text(_) | Step::Alive) => None,
            None => return Err(Error::NoSuchConversation.into()),
        };
        let question = self.question.as_ref().map(|question| {
            Event::default().event("question").json_data(json!({ "message": question }))
        });
        let begun = stream::iter(question.into_iter().chain(first));
        let rest = stream::unfold(Some(self.steps), async |steps| {
            let mut steps = steps?;
            let step = match steps.next().await {
                Ok(step) => step?,
                Err(ended) => return Some((problem(&ended.into()), None)),
            };
            let event = match step {
                Step::Text(text) => {
                    Event::default().event("text").json_data(json!({ "text": text }))
                }
                Step::Begun | Step::Alive => Ok(Event::default().comment("keep-alive")),
                Step::Ended(ended) => match *ended {
                    Ok((answer, _)) => end(&answer),
                    Err(error) => problem(&error.into()),
                },
            };
            Some((event, Some(steps)))
        });
        Ok(futures_util::StreamExt::chain(begun, rest))
    }
}

fn end(answer: &Message) -> Result<Event, axum::Error> {
    Event::default().event("end").json_data(json!({ "message": answer }))
}

fn problem(problem: &Problem) -> Result<Event, axum::Error> {
    Event::default().event("problem").json_data(json!({
        "status": problem.status().as_u16(),
        "code": problem.code(),
        "detail": problem.detail(),
    }))
}
