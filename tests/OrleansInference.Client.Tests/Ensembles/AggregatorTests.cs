using OrleansInference.Client.Ensembles;
using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Client.Tests.Ensembles;

public sealed class AggregatorTests
{
    private static readonly float[][] Members = [[1, 5, -3, 0], [3, 5, 9, 2], [2, 8, 0, 1]];

    [Theory]
    [InlineData(AggregationMethod.Mean, new float[] { 2, 6, 2, 1 })]
    [InlineData(AggregationMethod.WeightedMean, new float[] { 2.2f, 6.2f, 3, 1.2f })]
    [InlineData(AggregationMethod.Sum, new float[] { 6, 18, 6, 3 })]
    [InlineData(AggregationMethod.Max, new float[] { 3, 8, 9, 2 })]
    [InlineData(AggregationMethod.Min, new float[] { 1, 5, -3, 0 })]
    [InlineData(AggregationMethod.Median, new float[] { 2, 5, 0, 1 })]
    [InlineData(AggregationMethod.First, new float[] { 1, 5, -3, 0 })]
    public void Numbers_are_combined_element_by_element(AggregationMethod method, float[] expected)
    {
        var combined = Combine(method, [.. Members.Select(member => InferenceTensor.Create("theirs", member, 2, 2))], weights: [1, 2, 2]);

        Assert.Equal("y", combined.Name);
        Assert.Equal([2, 2], combined.Shape.ToArray());
        Assert.Equal(expected, combined.ToArray<float>(), (one, other) => Math.Abs(one - other) < 1e-5);
    }

    [Fact]
    public void The_median_of_an_even_number_lies_between_the_middle_two() =>
        Assert.Equal([2.5f], Combine(AggregationMethod.Median, [.. new[] { 9f, 2, 3, 1 }.Select(value => InferenceTensor.Create("y", new[] { value }))]).ToArray<float>());

    [Fact]
    public void Every_datatype_of_numbers_adds_up_in_its_own()
    {
        Assert.Equal([5], Combine(AggregationMethod.Sum, [InferenceTensor.Create<byte>("y", [2]), InferenceTensor.Create<byte>("y", [3])]).ToArray<byte>());
        Assert.Equal([-1], Combine(AggregationMethod.Sum, [InferenceTensor.Create("y", new[] { 2L }), InferenceTensor.Create("y", new[] { -3L })]).ToArray<long>());
        Assert.Equal([(Half)2.5], Combine(AggregationMethod.Mean, [InferenceTensor.Create("y", new[] { (Half)2 }), InferenceTensor.Create("y", new[] { (Half)3 })]).ToArray<Half>());
        Assert.Equal([2.5], Combine(AggregationMethod.Mean, [InferenceTensor.Create("y", new[] { 2.0 }), InferenceTensor.Create("y", new[] { 3.0 })]).ToArray<double>());
    }

    [Fact]
    public void Sums_of_halves_that_run_over_do_not_spoil_their_mean() =>
        Assert.Equal(
            [(Half)60_000],
            Combine(AggregationMethod.Mean, [.. Enumerable.Repeat(InferenceTensor.Create("y", new[] { (Half)60_000 }), 3)]).ToArray<Half>());

    [Theory]
    [InlineData(1f, 2f, 1.5f)]
    [InlineData(1f, 1.015625f, 1.0078125f)]
    [InlineData(1f, float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(1f, float.NaN, float.NaN)]
    public void Bf16_is_calculated_as_fp32_and_rounded_back(float one, float other, float mean)
    {
        var combined = Combine(AggregationMethod.Mean, [ToBf16(one), ToBf16(other)]);

        Assert.Equal(DataType.BFloat16, combined.DataType);
        Assert.Equal(mean, BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(combined.Data.Span) << 16));
    }

    [Fact]
    public void A_sum_of_integers_that_runs_over_is_a_failure_and_no_other_number()
    {
        var failure = Assert.Throws<InferenceException>(() =>
            Combine(AggregationMethod.Sum, [InferenceTensor.Create("y", new[] { int.MaxValue }), InferenceTensor.Create("y", new[] { 1 })]));

        Assert.Equal(InferenceError.ModelFailed, failure.Error);
    }

    [Fact]
    public void The_label_with_most_weight_behind_it_is_elected_and_of_equals_the_first()
    {
        InferenceTensor[] ballots =
        [
            InferenceTensor.FromStrings("y", ["cat", "cat", "a"]),
            InferenceTensor.FromStrings("y", ["dog", "dog", "b"]),
            InferenceTensor.FromStrings("y", ["dog", "cat", "c"]),
        ];

        Assert.Equal(["dog", "cat", "a"], Combine(AggregationMethod.MajorityVote, ballots).ToStrings());
        Assert.Equal(["cat", "cat", "a"], Combine(AggregationMethod.MajorityVote, ballots, weights: [3, 1, 1]).ToStrings());
    }

    [Fact]
    public void Integers_are_voted_for_by_value() =>
        Assert.Equal(
            [7, 1],
            Combine(AggregationMethod.MajorityVote, [.. new[] { new[] { 3, 1 }, [7, 2], [7, 1] }.Select(votes => InferenceTensor.Create("y", votes))]).ToArray<int>());

    [Fact]
    public void Scores_are_votes_for_the_best_class_of_each_row()
    {
        InferenceTensor[] scores =
        [
            InferenceTensor.Create("y", new[] { 0.9f, 0.1f, 0.0f, 0.2f, 0.2f, 0.6f }, 2, 3),
            InferenceTensor.Create("y", new[] { 0.4f, 0.6f, 0.0f, 0.3f, 0.3f, 0.4f }, 2, 3),
        ];

        var shares = Combine(AggregationMethod.MajorityVote, scores, weights: [3, 1]);

        Assert.Equal([0.75f, 0.25f, 0, 0, 0, 1], shares.ToArray<float>());
    }

    [Fact]
    public void A_lone_score_gets_all_votes() => Assert.Equal(
        [1f], Combine(AggregationMethod.MajorityVote, [.. Enumerable.Repeat(new InferenceTensor("y", DataType.Float32, [], new byte[4]), 2)]).ToArray<float>());

    [Fact]
    public void Tensors_are_put_together_along_an_axis_or_side_by_side_on_a_new_one()
    {
        InferenceTensor[] tensors = [InferenceTensor.Create("y", new[] { 1f, 2, 3, 4 }, 2, 2), InferenceTensor.Create("y", new[] { 5f, 6, 7, 8 }, 2, 2)];

        var behind = Combine(AggregationMethod.Concat, tensors, axis: 1);
        var beside = Combine(AggregationMethod.Stack, tensors, axis: 1);

        Assert.Equal([2, 4], behind.Shape.ToArray());
        Assert.Equal([1f, 2, 5, 6, 3, 4, 7, 8], behind.ToArray<float>());
        Assert.Equal([2, 2, 2], beside.Shape.ToArray());
        Assert.Equal([1f, 2, 5, 6, 3, 4, 7, 8], beside.ToArray<float>());
    }

    [Theory]
    [InlineData(AggregationMethod.Mean)]
    [InlineData(AggregationMethod.MajorityVote)]
    [InlineData(AggregationMethod.Concat)]
    public void Answers_that_differ_in_shape_do_not_go_together(AggregationMethod method)
    {
        var failure = Assert.Throws<InferenceException>(() =>
            Combine(method, [InferenceTensor.Create("y", new float[4], 2, 2), InferenceTensor.Create("y", new float[4], 4, 1)], axis: 1));

        Assert.Equal(InferenceError.ModelFailed, failure.Error);
        Assert.Contains("[2,2]", failure.Message, StringComparison.Ordinal);
        Assert.Contains("[4,1]", failure.Message, StringComparison.Ordinal);
    }

    private static InferenceTensor Combine(
        AggregationMethod method, IReadOnlyList<InferenceTensor> tensors, double[]? weights = null, int axis = 0) => Aggregator.Combine(
            new() { Method = method, Required = 1, Axis = axis }, "y", tensors, weights ?? [.. tensors.Select(_ => 1.0)]);

    private static InferenceTensor ToBf16(float value) =>
        new("y", DataType.BFloat16, [1], BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)));
}
