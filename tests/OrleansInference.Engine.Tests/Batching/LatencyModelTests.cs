using OrleansInference.Engine.Batching;

namespace OrleansInference.Engine.Tests.Batching;

public sealed class LatencyModelTests
{
    private readonly LatencyModel _model = new();

    [Fact]
    public void Nothing_is_predicted_before_enough_passes()
    {
        for (var pass = 1; pass < LatencyModel.MinPasses; pass++) Observe(pass, 5);

        Assert.False(_model.IsReady);
        Assert.Equal(TimeSpan.Zero, _model.Predict(1));
        Assert.Equal(int.MaxValue, _model.RowsWithin(TimeSpan.Zero));
        Observe(1, 5);
        Assert.True(_model.IsReady);
    }

    [Fact]
    public void A_line_is_found_and_goes_on_beyond_the_sizes_that_were_seen()
    {
        ObserveLine(perPass: 3, perRow: 2);

        Assert.Equal(5, Predicted(1), precision: 3);
        Assert.Equal(203, Predicted(100), precision: 3);
    }

    [Fact]
    public void Where_all_batches_have_one_size_its_time_is_predicted()
    {
        for (var pass = 0; pass < 100; pass++) Observe(4, 7);

        Assert.Equal(7, Predicted(4), precision: 3);
        Assert.Equal(7, Predicted(8), precision: 3);
    }

    [Fact]
    public void A_slope_once_seen_outlasts_any_number_of_batches_of_one_size()
    {
        ObserveLine(perPass: 3, perRow: 2);

        for (var pass = 0; pass < 100_000; pass++) Observe(4, 11);

        Assert.Equal(19, Predicted(8), precision: 2);
    }

    [Fact]
    public void A_model_that_becomes_slower_is_followed()
    {
        ObserveLine(perPass: 3, perRow: 2);

        for (var pass = 0; pass < 50; pass++) ObserveLine(perPass: 6, perRow: 4);

        Assert.Equal(22, Predicted(4), precision: 1);
    }

    [Fact]
    public void Neither_term_is_ever_negative()
    {
        // Larger batches that take less, and a line that would cut the axis below zero.
        for (var rows = 1; rows <= 8; rows++) Observe(rows, 20 - rows);
        Assert.InRange(Predicted(1000), 12, 19);

        var steep = new LatencyModel();
        for (var rows = 1; rows <= 8; rows++) steep.Observe(rows, TimeSpan.FromMilliseconds((5 * rows) - 4.9), TimeSpan.Zero);
        Assert.Equal(2 * steep.Predict(1).TotalMilliseconds, steep.Predict(2).TotalMilliseconds, precision: 3);
    }

    [Fact]
    public void A_single_pass_that_met_a_pause_hardly_counts()
    {
        for (var pass = 0; pass < 100; pass++) Observe(4, 1);

        Observe(4, 5000);

        Assert.InRange(Predicted(4), 1, 1.1);
    }

    [Fact]
    public void A_pass_of_more_rows_than_before_may_take_longer_without_being_taken_for_a_pause()
    {
        for (var pass = 0; pass < 100; pass++) Observe(1, 1);

        for (var pass = 0; pass < 3; pass++) Observe(64, 64);

        Assert.Equal(64, Predicted(64), precision: 1);
    }

    [Theory]
    [InlineData(10, 3)]
    [InlineData(9, 3)]
    [InlineData(8.9, 2)]
    [InlineData(5, 1)]
    [InlineData(0.1, 1)]
    public void As_many_rows_as_end_within_the_target_but_one_at_least(double target, int rows)
    {
        ObserveLine(perPass: 3, perRow: 2);

        Assert.Equal(rows, _model.RowsWithin(TimeSpan.FromMilliseconds(target + 0.001)));
    }

    [Fact]
    public void A_model_that_takes_the_same_time_for_any_batch_needs_no_limit()
    {
        for (var rows = 1; rows <= 16; rows++) Observe(rows, 4);

        Assert.Equal(int.MaxValue, _model.RowsWithin(TimeSpan.FromMilliseconds(4.1)));
        Assert.Equal(1, _model.RowsWithin(TimeSpan.FromMilliseconds(3.9)));
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(4, 11)]
    [InlineData(5, 16)]
    [InlineData(8, 22)]
    public void What_waits_takes_as_many_passes_as_it_fills(int rows, double expected)
    {
        ObserveLine(perPass: 3, perRow: 2);

        Assert.Equal(expected, _model.Predict(rows, maxRows: 4).TotalMilliseconds, precision: 3);
    }

    [Fact]
    public void A_slow_pass_does_not_keep_batches_small_for_ever()
    {
        var target = TimeSpan.FromMilliseconds(30);
        for (var pass = 0; pass < LatencyModel.MinPasses; pass++) Observe(1, 19.5);
        Observe(4, 60);
        Assert.Equal(1, _model.RowsWithin(target));

        for (var pass = 0; pass < 1000; pass++)
        {
            var rows = Math.Min(64, _model.RowsWithin(target));
            Observe(rows, 19 + (0.5 * rows));
        }

        Assert.InRange(_model.RowsWithin(target), 20, 23);
    }

    [Fact]
    public void What_was_slow_before_a_pause_is_soon_forgotten()
    {
        for (var pass = 0; pass < 100; pass++) _model.Observe(1, TimeSpan.FromSeconds(2), TimeSpan.Zero);

        for (var pass = 1; pass <= 5; pass++) _model.Observe(1, TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(2 * pass));

        Assert.InRange(Predicted(1), 5, 50);
    }

    [Fact]
    public void A_fit_is_fresh_for_a_second()
    {
        _model.Observe(1, TimeSpan.Zero, TimeSpan.FromSeconds(5));

        Assert.True(_model.IsFresh(TimeSpan.FromSeconds(6)));
        Assert.False(_model.IsFresh(TimeSpan.FromSeconds(6.001)));
    }

    private double Predicted(int rows) => _model.Predict(rows).TotalMilliseconds;

    private void Observe(int rows, double milliseconds) => _model.Observe(rows, TimeSpan.FromMilliseconds(milliseconds), TimeSpan.Zero);

    private void ObserveLine(double perPass, double perRow)
    {
        for (var rows = 1; rows <= 16; rows++) Observe(rows, perPass + (perRow * rows));
    }
}
