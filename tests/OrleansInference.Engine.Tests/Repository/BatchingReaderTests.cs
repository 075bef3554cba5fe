using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class BatchingReaderTests : IDisposable
{
    private readonly TemporaryFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Queue_policies_arrive_where_they_belong()
    {
        var batching = Sound(
            """
            "priority_levels": 3, "default_priority_level": 2,
            "default_queue_policy": {"max_queue_size": 7},
            "priority_queue_policy": {
              "1": {"default_timeout_microseconds": 1500, "timeout_action": "DELAY", "allow_timeout_override": true},
              "3": {"max_queue_size": 2, "timeout_action": "REJECT"}
            }
            """);

        Assert.Equal(new QueuePolicy(7), batching.DefaultPolicy);
        Assert.Equal(
            [new(1, new QueuePolicy(0, TimeSpan.FromMicroseconds(1500), IsDelayedOnTimeout: true)), new(3, new QueuePolicy(2))],
            batching.LevelPolicies.OrderBy(level => level.Key));
    }

    [Fact]
    public void The_latency_target_arrives_where_it_belongs() =>
        Assert.Equal(TimeSpan.FromMilliseconds(2.5), Sound("\"latency_target_microseconds\": 2500").LatencyTarget);

    [Fact]
    public void Preserved_order_arrives_and_goes_with_a_single_level()
    {
        Assert.True(Sound("\"preserve_ordering\": true, \"priority_levels\": 1, \"default_priority_level\": 1").PreserveOrdering);
        Assert.False(Sound("\"preserve_ordering\": false, \"priority_levels\": 2, \"default_priority_level\": 1").PreserveOrdering);
    }

    [Theory]
    [InlineData("\"default_queue_policy\": {\"max_queue_size\": -1}", "default_queue_policy.max_queue_size: -1 is not an integer from 0")]
    [InlineData("\"default_queue_policy\": {\"default_timeout_microseconds\": 1.5}", "default_queue_policy.default_timeout_microseconds: 1.5")]
    [InlineData("\"default_queue_policy\": {\"timeout_action\": \"WAIT\"}", "default_queue_policy.timeout_action: \"WAIT\" is not one of REJECT, DELAY")]
    [InlineData("\"default_queue_policy\": {\"allow_timeout_override\": 1}", "default_queue_policy.allow_timeout_override: 1 is not true or false")]
    [InlineData("\"default_queue_policy\": {\"timeout\": 1}", "default_queue_policy.timeout: unknown")]
    [InlineData("\"priority_levels\": 257, \"default_priority_level\": 1", "priority_levels: 257 is not an integer from 0 to 256")]
    [InlineData("\"priority_queue_policy\": {\"1\": {}}", "priority_queue_policy.1: '1' is not one of the levels from 1 to priority_levels, which is 0")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"3\": {}}", "priority_queue_policy.3: '3' is not one of")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"low\": {}}", "'low' is not one of")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"1\": {}, \"01\": {}}", "'01' is not one of")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"1\": 5}", "priority_queue_policy.1: 5 is not an object")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"1\": {\"size\": 5}}", "priority_queue_policy.1.size: unknown")]
    [InlineData("\"priority_queue_policy\": []", "priority_queue_policy: [] is not an object")]
    [InlineData("\"latency_target_microseconds\": -1", "latency_target_microseconds: -1 is not an integer from 0")]
    [InlineData("\"preserve_ordering\": \"yes\"", "preserve_ordering: \"yes\" is not true or false")]
    [InlineData("\"preserve_ordering\": true, \"priority_levels\": 2, \"default_priority_level\": 1", "preserve_ordering: true contradicts priority_levels 2")]
    [InlineData("\"preserve_ordering\": true, \"default_queue_policy\": {\"timeout_action\": \"DELAY\"}", "preserve_ordering: true contradicts timeout_action DELAY")]
    public void A_contradiction_is_named(string field, string expected) =>
        Assert.Contains(Read(field).Errors, error => error.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void Padding_arrives_where_it_belongs()
    {
        var batching = Sound(
            """
            "padding": [
              {"input": "tokens", "axis": 1, "value": 50257, "buckets": [16, 64], "outputs": [{"output": "scores", "axis": 2}]},
              {"input": "mask", "axis": 1, "buckets": [16, 64]}
            ]
            """);

        Assert.Equal(["tokens", "mask"], batching.Padding.Select(input => input.Input));
        Assert.Equal((1, 50257, 0), (batching.Padding[0].Axis, batching.Padding[0].Value, batching.Padding[1].Value));
        Assert.Equal([16, 64], batching.Padding[0].Buckets);
        Assert.Equal([new("scores", 2)], batching.Padding[0].Outputs);
        Assert.Empty(batching.Padding[1].Outputs);
    }

    [Theory]
    [InlineData("\"axis\": 1", "padding[0].input: is missing")]
    [InlineData("\"input\": \"tokens\"", "padding[0].axis: is missing")]
    [InlineData("\"input\": \"tokens\", \"axis\": 0", "padding[0].axis: 0 is not an integer from 1")]
    [InlineData("\"input\": \"tokens\", \"axis\": 2", "padding[0].axis: 2 is no dimension of 'tokens', whose shape is [-1,-1]")]
    [InlineData("\"input\": \"x\", \"axis\": 1", "padding[0].axis: 1 is a fixed dimension of 'x', whose shape is [-1,2]")]
    [InlineData("\"input\": \"words\", \"axis\": 1", "padding[0].input: the network has no input 'words'")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"value\": \"none\"", "padding[0].value: \"none\" is not a number")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"value\": 0.5", "padding[0].value: 0.5 is no value of INT64, of which 'tokens' is")]
    [InlineData("\"input\": \"mask\", \"axis\": 1, \"value\": 2", "padding[0].value: 2 is no value of BOOL")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"buckets\": [16, 8]", "padding[0].buckets: 8 does not ascend from 16")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"buckets\": [8, 8]", "padding[0].buckets: 8 does not ascend from 8")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"buckets\": [0]", "padding[0].buckets[0]: 0 is not an integer from 1")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"fill\": 0", "padding[0].fill: unknown")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1}, {\"input\": \"tokens\", \"axis\": 1", "padding[1].input: 'tokens' is padded twice")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"buckets\": [8]}, {\"input\": \"mask\", \"axis\": 1, \"buckets\": [9]", "padding[1].buckets: [9] are not those of 'tokens'")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"outputs\": [{\"output\": \"z\", \"axis\": 1}]", "padding[0].outputs[0].output: the network has no output 'z'")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"outputs\": [{\"output\": \"scores\"}]", "padding[0].outputs[0].axis: is missing")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"outputs\": [{\"output\": \"scores\", \"axis\": 1}]", "padding[0].outputs[0].axis: 1 is a fixed dimension of 'scores'")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"outputs\": [{\"output\": \"scores\", \"axis\": 3}]", "padding[0].outputs[0].axis: 3 is no dimension of 'scores'")]
    [InlineData("\"input\": \"tokens\", \"axis\": 1, \"outputs\": [{\"output\": \"scores\", \"axis\": 2}, {\"output\": \"scores\", \"axis\": 2}]", "padding[0].outputs[1].output: 'scores' is cut twice")]
    public void An_impossible_padding_is_refused(string fields, string expected) =>
        Assert.Contains(Read($$"""
            "padding": [{ {{fields}} }]
            """).Errors, error => error.Contains($"dynamic_batching.{expected}", StringComparison.Ordinal));

    [Fact]
    public void Padding_contradicts_strings_and_iteration()
    {
        var strings = Read("\"padding\": [{\"input\": \"words\", \"axis\": 1}]", "{\"name\": \"words\", \"data_type\": \"TYPE_STRING\", \"dims\": [-1]},").Errors;
        var iteration = Read(
            "\"padding\": [{\"input\": \"tokens\", \"axis\": 1}]",
            model: "\"model_transaction_policy\": {\"decoupled\": true}, \"iteration\": {\"feed_back\": [{\"output\": \"y\", \"input\": \"x\"}]},").Errors;

        Assert.Contains(strings, error => error.StartsWith("dynamic_batching.padding[0].axis: 'words' is of BYTES", StringComparison.Ordinal));
        Assert.Contains(iteration, error => error.StartsWith("dynamic_batching.padding: contradicts iteration", StringComparison.Ordinal));
    }

    private DynamicBatching Sound(string fields)
    {
        var (config, errors) = Read(fields);
        Assert.Empty(errors);
        return config!.Batching;
    }

    private (ModelConfig? Config, IReadOnlyList<string> Errors) Read(string fields, string inputs = "", string model = "")
    {
        _repository.Write(
            "model/config.json",
            $$"""
            {
              {{model}}
              "max_batch_size": 8,
              "input": [
                {{inputs}}
                {"name": "x", "data_type": "TYPE_FP32", "dims": [2]},
                {"name": "tokens", "data_type": "TYPE_INT64", "dims": [-1]},
                {"name": "mask", "data_type": "TYPE_BOOL", "dims": [-1]}
              ],
              "output": [
                {"name": "y", "data_type": "TYPE_FP32", "dims": [2]},
                {"name": "scores", "data_type": "TYPE_FP32", "dims": [3, -1]}
              ],
              "dynamic_batching": { {{fields}} }
            }
            """);
        return ModelConfigReader.Read(Path.Combine(_repository.Path, "model"), 1);
    }
}
