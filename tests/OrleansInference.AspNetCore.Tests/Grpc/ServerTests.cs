using Grpc.Core;

using Inference;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Grpc;

public sealed class ServerTests
{
    [Fact]
    public async Task A_server_is_live_from_the_first_moment_and_ready_when_no_model_is_being_loaded()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.IsReady = false;
        Assert.True((await door.Api.ServerLiveAsync(new())).Live);
        Assert.False((await door.Api.ServerReadyAsync(new())).Ready);

        door.Client.IsReady = true;
        Assert.True((await door.Api.ServerReadyAsync(new())).Ready);

        door.Door.Lifetime.StopApplication();
        Assert.True((await door.Api.ServerLiveAsync(new())).Live);
        Assert.False((await door.Api.ServerReadyAsync(new())).Ready);
    }

    [Fact]
    public async Task The_server_gives_the_same_name_version_and_extensions_as_over_REST()
    {
        await using var door = await GrpcDoor.StartAsync();
        var rest = (await door.Door.GetAsync("/v2")).Json;

        var metadata = await door.Api.ServerMetadataAsync(new());

        Assert.Equal(rest.GetProperty("name").GetString(), metadata.Name);
        Assert.Equal(rest.GetProperty("version").GetString(), metadata.Version);
        Assert.Equal(rest.GetProperty("extensions").EnumerateArray().Select(extension => extension.GetString()), metadata.Extensions);
    }

    [Fact]
    public async Task A_model_tells_its_versions_platform_and_tensors()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("simple", 8, [Models.Tensor("X", OrleansInference.Tensors.DataType.Float32, [-1])], [], version: 3));

        var metadata = await door.Api.ModelMetadataAsync(new() { Name = "simple", Version = "1" });

        Assert.Equal(("simple", "pytorch_libtorch"), (metadata.Name, metadata.Platform));
        Assert.Equal(["1", "3"], metadata.Versions);
        Assert.Equal(["INPUT0", "INPUT1"], metadata.Inputs.Select(input => input.Name));
        Assert.Equal(["OUTPUT0", "OUTPUT1"], metadata.Outputs.Select(output => output.Name));
        Assert.Equal("INT32", metadata.Inputs[0].Datatype);
        Assert.Equal([-1, 16], metadata.Inputs[0].Shape);
        Assert.Equal("X", Assert.Single((await door.Api.ModelMetadataAsync(new() { Name = "simple" })).Inputs).Name);
        Assert.True((await door.Api.ModelReadyAsync(new() { Name = "simple" })).Ready);
    }

    [Fact]
    public async Task The_configuration_comes_as_Tritons_message()
    {
        await using var door = await GrpcDoor.StartAsync();
        var entry = Models.Ready("whole", 16, [], []);
        door.Client.Models.Add(entry with
        {
            Descriptor = entry.Descriptor! with
            {
                Configuration =
                    """
                    {
                      "max_batch_size": 16,
                      "default_model_filename": "net.pt",
                      "input": [ { "name": "A", "data_type": "TYPE_FP32", "dims": [-1, 3] } ],
                      "output": [ { "name": "B", "data_type": "TYPE_STRING", "dims": [1], "label_filename": "labels.txt" } ],
                      "version_policy": { "specific": { "versions": [2, 3] } },
                      "dynamic_batching": {
                        "preferred_batch_size": [4, 8],
                        "max_queue_delay_microseconds": 100,
                        "default_queue_policy": { "max_queue_size": 7 },
                        "priority_levels": 3, "default_priority_level": 2
                      },
                      "model_transaction_policy": { "decoupled": true },
                      "instance_group": [ { "kind": "KIND_GPU", "gpus": [0, 1] }, { "kind": "KIND_CPU", "count": 1 } ],
                      "parameters": { "plain": "x", "number": 5, "wrapped": { "string_value": "y" }, "list": [1, 2] },
                      "preprocessing": [ { "input": "A", "output": "C", "steps": [] } ]
                    }
                    """,
            },
        });

        var config = (await door.Api.ModelConfigAsync(new() { Name = "whole" })).Config;

        Assert.Equal(("whole", "pytorch_libtorch", 16, "net.pt"), (config.Name, config.Platform, config.MaxBatchSize, config.DefaultModelFilename));
        var input = Assert.Single(config.Input);
        Assert.Equal(("A", DataType.TypeFp32), (input.Name, input.DataType));
        Assert.Equal([-1, 3], input.Dims);
        var output = Assert.Single(config.Output);
        Assert.Equal(("B", DataType.TypeString, "labels.txt"), (output.Name, output.DataType, output.LabelFilename));
        Assert.Equal([2, 3], config.VersionPolicy.Specific.Versions);
        Assert.Equal([4, 8], config.DynamicBatching.PreferredBatchSize);
        Assert.Equal(100u, config.DynamicBatching.MaxQueueDelayMicroseconds);
        Assert.Equal((3u, 2u), (config.DynamicBatching.PriorityLevels, config.DynamicBatching.DefaultPriorityLevel));
        Assert.True(config.ModelTransactionPolicy.Decoupled);
        Assert.Equal(7u, config.DynamicBatching.DefaultQueuePolicy.MaxQueueSize);
        Assert.Equal(
            [ModelInstanceGroup.Types.Kind.Gpu, ModelInstanceGroup.Types.Kind.Cpu], config.InstanceGroup.Select(group => group.Kind));
        Assert.Equal([0, 1], config.InstanceGroup[0].Gpus);
        Assert.Equal(
            ["list=[1,2]", "number=5", "plain=x", "wrapped=y"],
            config.Parameters.Select(pair => $"{pair.Key}={pair.Value.StringValue}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Statistics_are_those_of_a_version_of_a_model_or_of_all()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Models.RemoveAll(entry => entry.Id.Name is not ("simple" or "identity" or "broken"));
        door.Client.Statistics["simple"] = [(new("simple", 1), Some(1)), (new("simple", 2), Some(2))];
        door.Client.Statistics["identity"] = [(new("identity", 1), Some(3))];

        var all = await door.Api.ModelStatisticsAsync(new());
        var model = await door.Api.ModelStatisticsAsync(new() { Name = "simple" });
        var version = await door.Api.ModelStatisticsAsync(new() { Name = "simple", Version = "2" });

        Assert.Equal(["simple/1", "simple/2", "identity/1"], all.ModelStats.Select(stats => $"{stats.Name}/{stats.Version}"));
        Assert.Equal(["1", "2"], model.ModelStats.Select(stats => stats.Version));
        var stats = Assert.Single(version.ModelStats);
        Assert.Equal((1000ul, 20ul, 200ul), (stats.LastInference, stats.InferenceCount, stats.ExecutionCount));
        Assert.Equal((2ul, 20ul), (stats.InferenceStats.Success.Count, stats.InferenceStats.Success.Ns));
        Assert.Equal(0ul, stats.InferenceStats.CacheHit.Count);
        var batch = Assert.Single(stats.BatchStats);
        Assert.Equal((4ul, 5ul, 6ul), (batch.BatchSize, batch.ComputeInfer.Count, batch.ComputeInfer.Ns));
    }

    [Theory]
    [InlineData(false, "simple/1/READY/ identity/1/READY/ digits/1/READY/ countdown/1/READY/ loading/1/LOADING/it broken//UNAVAILABLE/config.json:")]
    [InlineData(true, "simple/1/READY/ identity/1/READY/ digits/1/READY/ countdown/1/READY/")]
    public async Task The_index_lists_models_with_states_and_reasons(bool onlyReady, string expected)
    {
        await using var door = await GrpcDoor.StartAsync();

        var index = await door.Api.RepositoryIndexAsync(new() { Ready = onlyReady });

        Assert.Equal(expected, string.Join(' ', index.Models.Select(model => $"{model.Name}/{model.Version}/{model.State}/{model.Reason.Split(' ')[0]}")));
    }

    [Fact]
    public async Task Tracing_is_off_and_stays_off()
    {
        await using var door = await GrpcDoor.StartAsync();
        var on = new TraceSettingRequest { Settings = { ["trace_level"] = new() { Value = { "TIMESTAMPS" } } } };
        var rate = new TraceSettingRequest { Settings = { ["trace_rate"] = new() { Value = { "5" } } } };

        var settings = await door.Api.TraceSettingAsync(new() { ModelName = "simple", Settings = { ["trace_rate"] = new() } });

        Assert.Equal(["OFF"], settings.Settings["trace_level"].Value);
        Assert.Equal(
            ["log_frequency=0", "trace_count=0", "trace_file=", "trace_level=OFF", "trace_rate=1000"],
            settings.Settings.Select(setting => $"{setting.Key}={Assert.Single(setting.Value.Value)}").Order(StringComparer.Ordinal));
        Assert.Equal(settings, await door.Api.TraceSettingAsync(new() { Settings = { ["trace_level"] = new() { Value = { "OFF" } } } }));
        await GrpcDoor.AssertStatusAsync(StatusCode.InvalidArgument, async () => await door.Api.TraceSettingAsync(on), "'trace_level'", "TIMESTAMPS");
        await GrpcDoor.AssertStatusAsync(StatusCode.InvalidArgument, async () => await door.Api.TraceSettingAsync(rate), "'trace_rate'", "5");
        await GrpcDoor.AssertStatusAsync(StatusCode.NotFound, async () => await door.Api.TraceSettingAsync(new() { ModelName = "nothing" }), "'nothing'");
    }

    [Fact]
    public async Task Log_settings_can_be_read_but_not_changed()
    {
        await using var door = await GrpcDoor.StartAsync();

        var settings = (await door.Api.LogSettingsAsync(new())).Settings;

        Assert.Equal(
            ["log_error", "log_file", "log_format", "log_info", "log_verbose_level", "log_warning"], settings.Keys.Order(StringComparer.Ordinal));
        // The front door of these tests logs nowhere.
        Assert.False(settings["log_info"].BoolParam);
        var same = new LogSettingsRequest { Settings = { ["log_info"] = new() { BoolParam = false } } };
        Assert.Equal(settings, (await door.Api.LogSettingsAsync(same)).Settings);
        foreach (var name in new[] { "log_info", "log_verbose_level", "log_nothing" })
        {
            var change = new LogSettingsRequest { Settings = { [name] = new() { BoolParam = true } } };
            await GrpcDoor.AssertStatusAsync(StatusCode.InvalidArgument, async () => await door.Api.LogSettingsAsync(change), $"'{name}'");
        }

        var empty = new LogSettingsRequest { Settings = { ["log_info"] = new() } };
        await GrpcDoor.AssertStatusAsync(StatusCode.InvalidArgument, async () => await door.Api.LogSettingsAsync(empty), "'log_info'");
    }

    private static OrleansInference.ModelStatistics Some(int factor) => new()
    {
        LastInference = DateTimeOffset.UnixEpoch.AddSeconds(1),
        InferenceCount = 10 * factor,
        ExecutionCount = 100 * factor,
        Success = new(factor, 10 * factor),
        Batches = [new(4, default, new(5, 6), default)],
    };
}
