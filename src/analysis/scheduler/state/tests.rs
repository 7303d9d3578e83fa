//! The rules of single flight, and who is asked instead of whom.

use super::*;

fn request(photo: u32, access: Access, waiter: Option<Waiter>) -> JobRequest {
    JobRequest {
        photo: PhotoId(photo),
        access,
        waiter,
        again: false,
    }
}

/// Without servers.
fn alone() -> SchedulerState {
    SchedulerState::new(vec![ProviderQueue::default()])
}

const FIRST: QueueId = QueueId::of_server(0);
const SECOND: QueueId = QueueId::of_server(1);
const CONTENT: ContentHash = ContentHash([7; 32]);

fn asked(
    state: &SchedulerState,
    photo: u32,
    access: Access,
) -> mpsc::UnboundedReceiver<(PhotoId, AnalysisResult)> {
    let (tell, told) = mpsc::unbounded_channel();
    assert!(state.ask(QueueId::LOCAL, request(photo, access, Some(tell)), || true));
    told
}

fn duplicate(photo: u32) -> Duplicate {
    Duplicate {
        photo: PhotoId(photo),
        stat: FileStat::default(),
    }
}

#[test]
fn a_running_photo_is_not_queued_again_but_may_be_wanted_more() {
    let state = alone();
    state.ask_listing(
        QueueId::LOCAL,
        RoaringBitmap::from_iter([1]),
        Access::Listed,
    );
    assert_eq!(state.take(), Some((QueueId::LOCAL, PhotoId(1))));
    state.ask_listing(
        QueueId::LOCAL,
        RoaringBitmap::from_iter([1]),
        Access::Listed,
    );
    let mut told = asked(&state, 1, Access::Asked);
    assert_eq!(state.access(QueueId::LOCAL, PhotoId(1)), Access::Asked);
    assert_eq!(
        (
            state.counts(QueueId::LOCAL).waiting.total(),
            state.counts(QueueId::LOCAL).running
        ),
        (0, 1)
    );
    state.tell(QueueId::LOCAL, PhotoId(1), JobOutcome::Copied);
    assert_eq!(told.try_recv(), Ok((PhotoId(1), AnalysisResult::Analyzed)));
    assert_eq!(
        (
            state.counts(QueueId::LOCAL).running,
            state.counts(QueueId::LOCAL).copies
        ),
        (0, 1)
    );
}

#[test]
fn one_photo_leads_its_content_and_the_others_follow() {
    let state = alone();
    assert!(state.claim(QueueId::LOCAL, CONTENT, duplicate(1)));
    assert!(!state.claim(QueueId::LOCAL, CONTENT, duplicate(2)));
    assert!(!state.claim(QueueId::LOCAL, CONTENT, duplicate(3)));
    assert_eq!(
        state.release(QueueId::LOCAL, CONTENT),
        [duplicate(2), duplicate(3)]
    );
    assert!(state.claim(QueueId::LOCAL, CONTENT, duplicate(4)));
}

#[test]
fn stopping_ends_the_waiting_for_what_has_not_started() {
    let state = alone();
    let mut first = asked(&state, 1, Access::Asked);
    let mut second = asked(&state, 2, Access::Asked);
    assert_eq!(state.take(), Some((QueueId::LOCAL, PhotoId(1))));
    state.stop();
    assert_eq!(second.try_recv(), Ok((PhotoId(2), AnalysisResult::Skipped)));
    assert!(first.try_recv().is_err());
    assert_eq!(state.take(), None);
    assert!(!state.ask(QueueId::LOCAL, request(3, Access::Asked, None), || true));
    state.tell(QueueId::LOCAL, PhotoId(1), JobOutcome::Analyzed);
    assert_eq!(first.try_recv(), Ok((PhotoId(1), AnalysisResult::Analyzed)));
}

#[test]
fn what_is_not_pending_is_not_queued() {
    let state = alone();
    assert!(!state.ask(QueueId::LOCAL, request(1, Access::Asked, None), || false));
    assert_eq!(state.counts(QueueId::LOCAL), Counts::default());
}
/// A state with two servers, started by these accesses.
fn servers(first: Access, second: Access) -> SchedulerState {
    let queue = |on| ProviderQueue {
        on,
        room: Some(2),
        ..ProviderQueue::default()
    };
    SchedulerState::new(vec![ProviderQueue::default(), queue(first), queue(second)])
}

fn declined() -> JobOutcome {
    JobOutcome::Declined {
        refused: true,
        reason: "no".into(),
    }
}

/// Takes what a worker would, and ends it like this.
fn work(state: &SchedulerState, outcome: JobOutcome) -> (QueueId, u32) {
    let (queue, photo) = state.take().unwrap();
    state.done(queue);
    state.tell(queue, photo, outcome);
    (queue, photo.0)
}

#[test]
fn the_next_server_is_asked_where_one_has_no_answer() {
    let state = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    let queue = state.server_for(PhotoId(7), Access::Asked).unwrap();
    assert!(state.ask(queue, request(7, Access::Asked, Some(tell)), || true));
    assert_eq!(work(&state, declined()), (FIRST, 7));
    assert!(told.try_recv().is_err());
    assert_eq!(work(&state, JobOutcome::Analyzed), (SECOND, 7));
    assert_eq!(told.try_recv(), Ok((PhotoId(7), AnalysisResult::Analyzed)));
    assert_eq!(state.server_for(PhotoId(7), Access::Asked), None);
}

#[test]
fn who_waits_is_told_when_nobody_is_left_to_ask() {
    let state = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    state.ask(FIRST, request(7, Access::Asked, Some(tell)), || true);
    work(&state, declined());
    work(&state, declined());
    assert_eq!(
        told.try_recv(),
        Ok((PhotoId(7), AnalysisResult::Refused("no".into())))
    );
}

#[test]
fn a_server_is_started_by_its_access_and_a_better_one_may_follow() {
    let state = servers(Access::Asked, Access::Listed);
    assert_eq!(state.server_for(PhotoId(7), Access::Listed), Some(SECOND));
    assert_eq!(state.server_for(PhotoId(7), Access::Asked), Some(FIRST));
    state.ask(SECOND, request(7, Access::Listed, None), || true);
    work(&state, JobOutcome::Analyzed);
    assert_eq!(state.server_for(PhotoId(7), Access::Listed), None);
    assert_eq!(state.server_for(PhotoId(7), Access::Asked), Some(FIRST));
    state.forget(&RoaringBitmap::from_iter([7]));
    assert_eq!(state.server_for(PhotoId(7), Access::Listed), Some(SECOND));
}

#[test]
fn a_server_that_is_down_is_passed_over_and_who_waits_goes_on() {
    let state = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    state.ask(FIRST, request(7, Access::Asked, Some(tell)), || true);
    let until = Instant::now() + std::time::Duration::from_secs(60);
    state.give_up(FIRST, "gone", until);
    assert_eq!(state.server_for(PhotoId(8), Access::Asked), Some(SECOND));
    assert_eq!(work(&state, JobOutcome::Analyzed), (SECOND, 7));
    assert_eq!(told.try_recv(), Ok((PhotoId(7), AnalysisResult::Analyzed)));
    let (tell, mut told) = mpsc::unbounded_channel();
    state.ask(SECOND, request(9, Access::Asked, Some(tell)), || true);
    state.give_up(SECOND, "gone too", until);
    assert_eq!(
        told.try_recv(),
        Ok((PhotoId(9), AnalysisResult::Failed("gone too".into())))
    );
    assert_eq!(state.server_for(PhotoId(8), Access::Asked), Some(FIRST));
    assert!(state.recovered(FIRST) && !state.recovered(FIRST));
}

#[test]
fn no_more_is_made_ready_than_a_server_takes_and_the_rest_is_done_here() {
    let state = servers(Access::Listed, Access::Asked);
    let photos = RoaringBitmap::from_iter(1..=4);
    state.ask_listing(FIRST, photos.clone(), Access::Listed);
    state.ask_listing(QueueId::LOCAL, photos, Access::Listed);
    let queues: Vec<_> = (0..4).map(|_| state.take().unwrap().0).collect();
    assert_eq!(queues, [FIRST, FIRST, QueueId::LOCAL, QueueId::LOCAL]);
    state.ask(QueueId::LOCAL, request(9, Access::Asked, None), || true);
    state.done(FIRST);
    assert_eq!(state.take(), Some((QueueId::LOCAL, PhotoId(9))));
    assert_eq!(state.take().map(|(queue, _)| queue), Some(FIRST));
}
