using OrleansInference.Engine.Profiling;

namespace OrleansInference.Engine.Tests.Profiling;

public sealed class ProfileSuggestionTests
{
    [Fact]
    public void The_smallest_batch_is_suggested_that_is_nearly_as_fast_as_the_fastest() =>
        Assert.Equal(new ProfileSuggestion(1, 8), ProfileSuggestion.Of([Point(1, 1, 100), Point(1, 2, 180), Point(1, 8, 950), Point(1, 16, 1000), Point(1, 32, 990)]));

    [Fact]
    public void A_little_less_than_enough_is_not_enough() =>
        Assert.Equal(new ProfileSuggestion(1, 16), ProfileSuggestion.Of([Point(1, 8, 949), Point(1, 16, 1000)]));

    [Fact]
    public void Of_what_is_equally_fast_the_fewest_threads_are_suggested() =>
        Assert.Equal(new ProfileSuggestion(2, 16), ProfileSuggestion.Of([Point(1, 16, 700), Point(2, 8, 900), Point(2, 16, 960), Point(4, 4, 990), Point(4, 8, 1000)]));

    [Fact]
    public void More_threads_are_suggested_where_they_are_worth_it() =>
        Assert.Equal(new ProfileSuggestion(4, 4), ProfileSuggestion.Of([Point(1, 64, 500), Point(4, 4, 980), Point(4, 8, 1000)]));

    [Fact]
    public void One_point_is_its_own_suggestion() => Assert.Equal(new ProfileSuggestion(3, 1), ProfileSuggestion.Of([Point(3, 1, 1)]));

    [Fact]
    public void A_point_has_the_median_and_the_99th_of_100_of_its_passes()
    {
        var passes = Enumerable.Range(1, 100).Select(i => TimeSpan.FromMilliseconds(i)).Reverse().ToList();

        var point = ProfilePoint.Of(2, 8, passes, TimeSpan.FromSeconds(4));

        Assert.Equal(new ProfilePoint(2, 8, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(99), 200), point);
    }

    [Fact]
    public void A_point_may_have_one_pass() => Assert.Equal(
        new ProfilePoint(1, 1, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2), 0.5),
        ProfilePoint.Of(1, 1, [TimeSpan.FromSeconds(2)], TimeSpan.FromSeconds(2)));

    private static ProfilePoint Point(int threads, int rows, double rowsPerSecond) => new(threads, rows, default, default, rowsPerSecond);
}
