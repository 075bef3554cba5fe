using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>The protocol's small JSON bodies, without reflection. Tensors have a reader and a writer of their own.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(ServerMetadata))]
[JsonSerializable(typeof(ModelMetadata))]
[JsonSerializable(typeof(StatisticsBody))]
[JsonSerializable(typeof(IndexRequest))]
[JsonSerializable(typeof(ModelChangeRequest))]
[JsonSerializable(typeof(IReadOnlyList<IndexEntry>))]
[JsonSerializable(typeof(ClusterBody))]
[JsonSerializable(typeof(LogSettingsBody))]
[JsonSerializable(typeof(TraceSettingsBody))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(InferRequestBody))]
[JsonSerializable(typeof(InferResponseBody))]
[JsonSerializable(typeof(IReadOnlyList<InferRequestBody>))]
[JsonSerializable(typeof(InferLineBody))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class ProtocolJson : JsonSerializerContext
{
    /// <summary>Leaves quotation marks and other alphabets as they are: nothing of this stands in HTML.</summary>
    public static ProtocolJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        // Which of two is meant nobody knows.
        AllowDuplicateProperties = false,
    });
}

/// <summary>Every answer that is not a success.</summary>
/// <param name="Error">A sentence that names the field, the value and the limit.</param>
internal sealed record ErrorBody(string Error);

/// <param name="Silos">The silos by name.</param>
internal sealed record ClusterBody(IReadOnlyList<SiloBody> Silos);

/// <param name="Name">The silo's name.</param>
/// <param name="Status">active or draining.</param>
/// <param name="Devices">Its devices.</param>
internal sealed record SiloBody(string Name, string Status, IReadOnlyList<DeviceBody> Devices);

/// <param name="Name">The device's name, unique in the cluster.</param>
/// <param name="Kind">cpu or cuda.</param>
/// <param name="MemoryTotalBytes">What models may take; 0 where it is not known.</param>
/// <param name="MemoryUsedBytes">What they take, as they were measured.</param>
/// <param name="Models">The model versions on it.</param>
internal sealed record DeviceBody(string Name, string Kind, long MemoryTotalBytes, long MemoryUsedBytes, IReadOnlyList<DeviceModelBody> Models);

/// <param name="Name">The model.</param>
/// <param name="Version">The version.</param>
/// <param name="State">READY, LOADING, UNLOADING or UNAVAILABLE on that device.</param>
/// <param name="QueueDepth">Requests that waited there when the silo reported last.</param>
internal sealed record DeviceModelBody(string Name, string Version, string State, int QueueDepth);

internal sealed record ServerMetadata(string Name, string Version, IReadOnlyList<string> Extensions);

internal sealed record ModelMetadata(
    string Name, IReadOnlyList<string> Versions, string Platform, IReadOnlyList<TensorMetadata> Inputs, IReadOnlyList<TensorMetadata> Outputs);

/// <param name="Name">The tensor's name.</param>
/// <param name="Datatype">BOOL, INT32, FP32, BYTES, ...</param>
/// <param name="Shape">With the batch dimension where the model batches; -1 admits any size.</param>
internal sealed record TensorMetadata(string Name, string Datatype, IReadOnlyList<long> Shape);

internal sealed record StatisticsBody(IReadOnlyList<ModelStatisticsBody> ModelStats);

/// <param name="Name">The model.</param>
/// <param name="Version">The version.</param>
/// <param name="LastInference">Milliseconds since 1970; 0 where there was none.</param>
/// <param name="InferenceCount">Rows inferred.</param>
/// <param name="ExecutionCount">Forward passes.</param>
/// <param name="InferenceStats">Times of requests.</param>
/// <param name="BatchStats">Forward passes by batch size.</param>
/// <param name="QueueDepth">Requests waiting at this moment.</param>
/// <param name="BatchReasons">Forward passes by why their batch was sent.</param>
/// <param name="LoadCount">How often it was loaded onto a device since the silos were started.</param>
/// <param name="ColdRequestCount">Requests that found it not loaded, and waited for that.</param>
/// <param name="MemoryUsage">What it takes of the memory of the devices that it is loaded on.</param>
/// <param name="Members">Of an ensemble, what each of its members or steps had to do with it, as this front door has seen it.</param>
/// <param name="Shadow">Of a version that has got copies of requests as a shadow, what came of them, as this front door has seen it.</param>
internal sealed record ModelStatisticsBody(
    string Name,
    string Version,
    long LastInference,
    long InferenceCount,
    long ExecutionCount,
    InferenceStatisticsBody InferenceStats,
    IReadOnlyList<BatchStatisticsBody> BatchStats,
    int QueueDepth,
    BatchReasonsBody BatchReasons,
    long LoadCount,
    long ColdRequestCount,
    IReadOnlyList<MemoryUsageBody> MemoryUsage,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<MemberStatisticsBody>? Members = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ShadowBody? Shadow = null);

/// <param name="Type">CPU or CUDA.</param>
/// <param name="Id">The device's index on its silo.</param>
/// <param name="Device">The device's name.</param>
/// <param name="ByteSize">Bytes, as they were measured when the model was verified.</param>
internal sealed record MemoryUsageBody(string Type, int Id, string Device, long ByteSize);

/// <param name="Name">The member or step.</param>
/// <param name="Model">Its model.</param>
/// <param name="Answered">Requests that it answered, and their time with all waiting.</param>
/// <param name="Failed">Requests that it failed.</param>
/// <param name="Late">Requests that it had not answered by the ensemble's deadline.</param>
/// <param name="Cancelled">Requests that were not waited for, because others had answered or failed.</param>
internal sealed record MemberStatisticsBody(
    string Name, string Model, DurationBody Answered, DurationBody Failed, DurationBody Late, DurationBody Cancelled);

/// <param name="Compared">Copies that it answered.</param>
/// <param name="Different">Those of them whose answer was another one than the caller's.</param>
/// <param name="Failed">Copies that it failed.</param>
/// <param name="Skipped">Copies that were not sent because too many were under way.</param>
internal sealed record ShadowBody(long Compared, long Different, long Failed, long Skipped);

internal sealed record InferenceStatisticsBody(
    DurationBody Success,
    DurationBody Fail,
    DurationBody Queue,
    DurationBody ComputeInput,
    DurationBody ComputeInfer,
    DurationBody ComputeOutput,
    DurationBody CacheHit,
    DurationBody CacheMiss);

internal sealed record BatchStatisticsBody(int BatchSize, DurationBody ComputeInput, DurationBody ComputeInfer, DurationBody ComputeOutput);

/// <param name="Full">The batch had the largest size or a preferred one.</param>
/// <param name="Idle">The device was free, and nothing said to wait for more.</param>
/// <param name="Delay">The first request had waited for others as long as it may.</param>
/// <param name="Deadline">A request would have missed its deadline, had it waited longer.</param>
internal sealed record BatchReasonsBody(long Full, long Idle, long Delay, long Deadline);

/// <param name="Count">How often.</param>
/// <param name="Ns">Nanoseconds in total.</param>
internal sealed record DurationBody(long Count, long Ns);

/// <param name="Ready">Whether to leave out models that are not ready.</param>
internal sealed record IndexRequest(bool Ready = false);

/// <param name="Parameters">What is asked for beside the change.</param>
internal sealed record ModelChangeRequest(IReadOnlyDictionary<string, JsonElement>? Parameters = null);

/// <param name="Name">The model.</param>
/// <param name="Version">The version; empty where the model has none.</param>
/// <param name="State">READY, LOADING, UNLOADING or UNAVAILABLE.</param>
/// <param name="Reason">Why it is not ready, or what is wrong though it is.</param>
/// <param name="Checksum">The SHA-256 of the files that are loaded, where any are.</param>
internal sealed record IndexEntry(
    string Name,
    string Version,
    string State,
    string Reason,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Checksum = null);

/// <summary>An inference in JSON, for the OpenAPI document, where what has no default is required.</summary>
internal sealed record InferRequestBody(
    IReadOnlyList<InferTensorBody> Inputs, IReadOnlyList<InferOutputBody>? Outputs = null, string? Id = null, JsonObject? Parameters = null);

internal sealed record InferTensorBody(
    string Name, IReadOnlyList<long> Shape, string Datatype, JsonArray? Data = null, JsonObject? Parameters = null);

internal sealed record InferOutputBody(string Name, JsonObject? Parameters = null);

/// <summary>An answer in JSON, for the OpenAPI document.</summary>
internal sealed record InferResponseBody(
    string ModelName, string ModelVersion, IReadOnlyList<InferTensorBody> Outputs, string? Id = null, JsonObject? Parameters = null);

/// <summary>A line of the answer to many requests, for the OpenAPI document.</summary>
/// <param name="Index">Which of the requests it is about, from 0.</param>
/// <param name="Status">The status that the request would have had by itself.</param>
/// <param name="Response">The answer, where the status is 200.</param>
/// <param name="Error">What is wrong, where it is not.</param>
internal sealed record InferLineBody(long Index, int Status, InferResponseBody? Response = null, string? Error = null);
