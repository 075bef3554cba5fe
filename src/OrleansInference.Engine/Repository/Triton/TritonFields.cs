namespace OrleansInference.Engine.Repository.Triton;

/// <summary>The fields that Triton's <c>ModelConfig</c> has, served here or not.</summary>
internal static class TritonFields
{
    private const string OfTensorRt = "is a matter of TensorRT alone";

    private static readonly TritonField Text = new(TritonType.Text);
    private static readonly TritonField Integer = new(TritonType.Integer);
    private static readonly TritonField Flag = new(TritonType.Flag);
    private static readonly TritonField Anything = new(TritonType.Anything);

    private static readonly TritonField DataTypes = Word(
        "TYPE_INVALID", "TYPE_BOOL", "TYPE_UINT8", "TYPE_UINT16", "TYPE_UINT32", "TYPE_UINT64", "TYPE_INT8", "TYPE_INT16", "TYPE_INT32",
        "TYPE_INT64", "TYPE_FP16", "TYPE_FP32", "TYPE_FP64", "TYPE_STRING", "TYPE_BF16");

    private static readonly TritonField Reshape = Message(("shape", Integer.List()));

    private static readonly TritonField Input = Message(
        ("name", Text),
        ("data_type", DataTypes),
        ("format", Word("FORMAT_NONE", "FORMAT_NHWC", "FORMAT_NCHW").Idle()),
        ("dims", Integer.List()),
        ("reshape", Reshape),
        ("is_shape_tensor", Flag.Refused(OfTensorRt)),
        ("allow_ragged_batch", Flag.Refused("requests of unlike shapes do not share batches unless dynamic_batching has padding")),
        ("optional", Flag.Refused("every request must send all inputs")),
        ("is_non_linear_format_io", Flag.Refused(OfTensorRt)));

    private static readonly TritonField Output = Message(
        ("name", Text),
        ("data_type", DataTypes),
        ("dims", Integer.List()),
        ("reshape", Reshape),
        ("label_filename", Text),
        ("is_shape_tensor", Flag.Refused(OfTensorRt)),
        ("is_non_linear_format_io", Flag.Refused(OfTensorRt)));

    private static readonly TritonField VersionPolicy = Message(
        ("latest", Message(("num_versions", Integer))),
        ("all", Message()),
        ("specific", Message(("versions", Integer.List()))));

    private static readonly TritonField QueuePolicy = Message(
        ("timeout_action", Word("REJECT", "DELAY")),
        ("default_timeout_microseconds", Integer),
        ("allow_timeout_override", Flag),
        ("max_queue_size", Integer));

    private static readonly TritonField DynamicBatching = Message(
        ("preferred_batch_size", Integer.List()),
        ("max_queue_delay_microseconds", Integer),
        ("preserve_ordering", Flag),
        ("priority_levels", Integer),
        ("default_priority_level", Integer),
        ("default_queue_policy", QueuePolicy),
        ("priority_queue_policy", QueuePolicy.Map(TritonType.Integer)));

    private static readonly TritonField EnsembleScheduling = Message(
        ("step", Message(
            ("model_name", Text),
            ("model_version", Integer),
            ("input_map", Text.Map()),
            ("output_map", Text.Map()),
            ("model_namespace", Text.Refused("models have no namespaces here"))).List()),
        ("max_inflight_requests", Integer),
        // Of steps that answer more than once, which no step may here.
        ("max_inflight_responses", Integer.Idle()));

    private static readonly TritonField InstanceGroup = Message(
        ("name", Text.Idle()),
        ("kind", Word("KIND_AUTO", "KIND_GPU", "KIND_CPU", "KIND_MODEL")),
        ("count", Integer),
        ("rate_limiter", Anything.Idle()),
        ("gpus", Integer.List()),
        ("secondary_devices", Anything.List().Refused(OfTensorRt)),
        ("profile", Text.List().Idle()),
        ("passive", Flag.Refused("every instance answers requests")),
        ("host_policy", Text.Idle()));

    private static readonly TritonField Optimization = Message(
        ("graph", Anything.Idle()),
        ("priority", Word("PRIORITY_DEFAULT", "PRIORITY_MAX", "PRIORITY_MIN").Idle()),
        ("cuda", Anything.Idle()),
        ("execution_accelerators", Anything.Refused("there are no accelerators here, and the numbers would be others")),
        ("input_pinned_memory", Anything.Idle()),
        ("output_pinned_memory", Anything.Idle()),
        ("gather_kernel_buffer_threshold", Integer.Idle()),
        ("eager_batching", Flag.Idle()));

    private static readonly TritonField Warmup = Message(
        ("name", Text),
        ("batch_size", Integer),
        ("inputs", Message(
            ("data_type", DataTypes),
            ("dims", Integer.List()),
            ("zero_data", Flag),
            ("random_data", Flag),
            ("input_data_file", Text)).Map()),
        ("count", Integer));

    /// <summary>The configuration itself. It stands last: what it is made of must be there.</summary>
    public static TritonField Model { get; } = Message(
        ("name", Text),
        ("platform", Text),
        ("backend", Text),
        ("runtime", Text.Idle()),
        ("version_policy", VersionPolicy),
        ("max_batch_size", Integer),
        ("input", Input.List()),
        ("output", Output.List()),
        ("batch_input", Anything.List().Refused("no input is made of the other requests of a batch")),
        ("batch_output", Anything.List().Refused("no output is cut by the inputs of the other requests of a batch")),
        ("optimization", Optimization),
        ("dynamic_batching", DynamicBatching),
        ("sequence_batching", Anything.Refused("the requests of a sequence are not kept together")),
        ("ensemble_scheduling", EnsembleScheduling),
        ("instance_group", InstanceGroup.List()),
        ("default_model_filename", Text),
        ("cc_model_filenames", Text.Map().Idle()),
        ("metric_tags", Text.Map().Idle()),
        ("parameters", Message(("string_value", Text)).Map()),
        ("model_warmup", Warmup.List()),
        ("model_operations", Message(("op_library_filename", Text.List().Refused("libraries of custom operations are not loaded")))),
        ("model_transaction_policy", Message(("decoupled", Flag))),
        ("model_repository_agents", Message(("agents", Anything.List().Refused("agents that change or check a model's files are not run")))),
        ("response_cache", Message(("enable", Flag.Refused("responses are not cached")))),
        ("model_metrics", Anything.Idle()));

    private static TritonField Message(params ReadOnlySpan<(string Name, TritonField Field)> fields)
    {
        var byName = new Dictionary<string, TritonField>(StringComparer.Ordinal);
        foreach (var (name, field) in fields) byName.Add(name, field);
        return new(TritonType.Message) { Fields = byName };
    }

    private static TritonField Word(params string[] words) => new(TritonType.Word) { Words = words };
}
