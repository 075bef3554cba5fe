using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Batching;

/// <summary>Two inputs of [rows, length] and [rows, 2, length, 2], and outputs of the same shapes.</summary>
public sealed class PaddingTests
{
    [Fact]
    public void Every_row_is_filled_up_behind_its_own_elements()
    {
        var padded = Make().Pad([Tokens([1, 2, 3, 4], 2, 2), Pairs(1, 2)], length: 2, target: 4);

        Assert.Equal([2, 4], padded[0].Shape.ToArray());
        Assert.Equal([1, 2, -7, -7, 3, 4, -7, -7], padded[0].ToArray<int>());
    }

    [Fact]
    public void An_axis_in_the_middle_is_filled_in_whole_steps()
    {
        var padded = Make().Pad([Tokens([1], 1, 1), Pairs(1, 1)], length: 1, target: 2);

        Assert.Equal([1, 2, 2, 2], padded[1].Shape.ToArray());
        Assert.Equal([0f, 1, 0.5f, 0.5f, 2, 3, 0.5f, 0.5f], padded[1].ToArray<float>());
    }

    [Fact]
    public void A_request_that_has_the_length_already_is_not_copied()
    {
        InferenceTensor[] inputs = [Tokens([1, 2], 1, 2), Pairs(1, 2)];

        Assert.Same(inputs, Make().Pad(inputs, length: 2, target: 2));
    }

    [Fact]
    public void The_tensors_that_came_stay_as_they_are()
    {
        InferenceTensor[] inputs = [Tokens([1], 1, 1), Pairs(1, 1)];

        Make().Pad(inputs, length: 1, target: 4);

        Assert.Equal([1], inputs[0].ToArray<int>());
        Assert.Equal([1, 1], inputs[0].Shape.ToArray());
    }

    [Fact]
    public void What_was_filled_up_is_cut_to_what_it_was()
    {
        var padding = Make();
        InferenceTensor[] inputs = [Tokens([1, 2, 3, 4, 5, 6], 2, 3), Pairs(2, 3)];

        var outputs = padding.Pad(inputs, length: 3, target: 8);
        padding.Cut(outputs, length: 3, target: 8);

        for (var i = 0; i < inputs.Length; i++)
        {
            Assert.Equal(inputs[i].Shape.ToArray(), outputs[i].Shape.ToArray());
            Assert.Equal(inputs[i].Data.ToArray(), outputs[i].Data.ToArray());
        }
    }

    [Fact]
    public void A_single_row_is_cut_without_a_copy()
    {
        InferenceTensor[] outputs = [Tokens([1, 2, 3, 4], 1, 4), Pairs(1, 4)];
        var whole = outputs[0].Data;

        Make().Cut(outputs, length: 3, target: 4);

        Assert.Equal([1, 2, 3], outputs[0].ToArray<int>());
        Assert.True(whole.Span.Overlaps(outputs[0].Data.Span));
    }

    [Fact]
    public void Requests_without_elements_are_filled_up_and_cut_too()
    {
        var padding = Make();

        var outputs = padding.Pad([Tokens([], 2, 0), Pairs(2, 0)], length: 0, target: 1);
        Assert.Equal([-7, -7], outputs[0].ToArray<int>());
        padding.Cut(outputs, length: 0, target: 1);

        Assert.Equal([2, 0], outputs[0].Shape.ToArray());
    }

    [Fact]
    public void An_output_of_another_length_is_the_models_failure()
    {
        var failure = Assert.Throws<InferenceException>(() => Make().Cut([Tokens([1, 2], 1, 2), Pairs(1, 2)], length: 3, target: 4));

        Assert.Equal(InferenceError.ModelFailed, failure.Error);
        Assert.Contains("output 'tokens' came out with length 2 on axis 1 for inputs that were padded to 4", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 4)]
    [InlineData(4, 4)]
    public void The_smallest_bucket_that_holds_a_request_is_its(int length, int expected)
    {
        var measured = Make(2, 4).Measure([Tokens(new int[length], 1, length), Pairs(1, length)], out var bucket);

        Assert.Equal((length, expected), (measured, bucket));
    }

    [Fact]
    public void A_request_longer_than_the_last_bucket_is_refused_with_length_and_limit()
    {
        var refusal = Assert.Throws<InferenceException>(() => Make(2, 4).Measure([Tokens(new int[5], 1, 5), Pairs(1, 5)], out _));

        Assert.Equal(InferenceError.InvalidArgument, refusal.Error);
        Assert.Contains("input 'tokens' has length 5 on axis 1, but model 'padded' takes at most 4", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inputs_of_unlike_lengths_in_one_request_are_refused()
    {
        var refusal = Assert.Throws<InferenceException>(() => Make().Measure([Tokens([1, 2], 1, 2), Pairs(1, 3)], out _));

        Assert.Equal(InferenceError.InvalidArgument, refusal.Error);
        Assert.Contains("input 'pairs' has length 3 on axis 2 for model 'padded', but input 'tokens' has 2 on axis 1", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_of_unlike_lengths_share_a_batch_and_get_their_own_lengths_back()
    {
        await using var harness = new BatcherHarness(configure: options => options with { Padding = Make() });

        var answers = await SendTogetherAsync(harness, 1, 3, 2);

        Assert.Equal([[1], [1, 1, 1], [1, 1]], answers.Select(answer => answer[0].ToArray<int>()));
        Assert.Equal([[3, 3, 3]], harness.Model.Widths[1..]);
    }

    [Fact]
    public async Task Only_requests_of_the_same_bucket_share_a_batch_and_it_is_as_long_as_the_bucket()
    {
        await using var harness = new BatcherHarness(configure: options => options with { Padding = Make(2, 4) });

        var answers = await SendTogetherAsync(harness, 1, 3, 2, 4);

        Assert.Equal([1, 3, 2, 4], answers.Select(answer => answer[0].ElementCount));
        Assert.Equal([[2, 2], [4, 4]], harness.Model.Widths[1..]);
    }

    [Fact]
    public async Task Without_buckets_a_request_of_over_four_times_the_length_waits_for_another_batch()
    {
        await using var harness = new BatcherHarness(configure: options => options with { Padding = Make() });

        await SendTogetherAsync(harness, 2, 9, 8, 1);

        Assert.Equal([[8, 8, 8], [9]], harness.Model.Widths[1..]);
    }

    [Fact]
    public async Task A_poisoned_request_fails_alone_in_a_padded_batch_too()
    {
        await using var harness = new BatcherHarness(configure: options => options with { Padding = Make() });
        var first = await OccupyAsync(harness);

        Task<InferenceTensor[]> sound = SendAsync(harness, 1, 3), poisoned = SendAsync(harness, -1, 2);
        harness.Model.Release();

        Assert.Equal(3, (await sound)[0].ElementCount);
        await Assert.ThrowsAsync<InferenceException>(() => poisoned);
        await first;
    }

    [Fact]
    public async Task Requests_that_differ_in_another_dimension_do_not_share_a_batch()
    {
        await using var harness = new BatcherHarness(configure: options => options with { Padding = Make() });
        var first = await OccupyAsync(harness);

        InferenceTensor[] other = [Tokens([2], 1, 1), InferenceTensor.Create("pairs", new float[6], 1, 3, 1, 2)];
        Task[] requests = [SendAsync(harness, 1, 1), harness.Batcher.EnqueueAsync(other, 1, 0, false, null, default).AsTask()];
        harness.Model.Release();
        await Task.WhenAll([first, .. requests]);

        Assert.Equal([[5], [1], [2]], harness.Model.Batches);
    }

    private static async Task<InferenceTensor[][]> SendTogetherAsync(BatcherHarness harness, params int[] lengths)
    {
        var first = await OccupyAsync(harness);
        var requests = lengths.Select(length => SendAsync(harness, 1, length)).ToArray();
        harness.Model.Release();
        await first;
        return await Task.WhenAll(requests);
    }

    private static async Task<Task> OccupyAsync(BatcherHarness harness)
    {
        harness.Model.Gated = true;
        var first = SendAsync(harness, 5, 1);
        await harness.Model.StartedAsync();
        harness.Model.Gated = false;
        return first;
    }

    private static Task<InferenceTensor[]> SendAsync(BatcherHarness harness, int value, int length) =>
        harness.Batcher.EnqueueAsync([Tokens([.. Enumerable.Repeat(value, length)], 1, length), Pairs(1, length)], 1, 0, false, null, default).AsTask();

    private static InferenceTensor Tokens(int[] elements, long rows, long length) => InferenceTensor.Create("tokens", elements, rows, length);

    private static InferenceTensor Pairs(int rows, int length) =>
        InferenceTensor.Create("pairs", Enumerable.Range(0, rows * 2 * length * 2).Select(number => (float)number).ToArray(), rows, 2, length, 2);

    private static Padding Make(params int[] buckets)
    {
        TensorConfig[] tensors = [new("tokens", DataType.Int32, [-1], []), new("pairs", DataType.Float32, [-1, -1, 2], [])];
        var network = ModelSignatures.OfNetwork(new()
        {
            Name = "padded",
            Platform = "",
            ModelFile = "model.pt",
            MaxBatchSize = 8,
            Inputs = tensors,
            Outputs = tensors,
            VersionPolicy = new(1, null),
            Batching = new(),
            InstanceGroups = [],
            Preprocessing = [],
            Postprocessing = [],
            Json = "",
        });
        return new(
            [new("tokens", 1, -7, buckets, [new("tokens", 1), new("pairs", 2)]), new("pairs", 2, 0.5, buckets, [])],
            network);
    }
}
