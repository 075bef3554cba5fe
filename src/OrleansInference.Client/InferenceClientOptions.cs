using System.ComponentModel.DataAnnotations;

using Microsoft.Extensions.Options;

namespace OrleansInference.Client;

/// <summary>What the <c>Inference</c> section says of a client.</summary>
public sealed class InferenceClientOptions
{
    /// <summary>The configuration section.</summary>
    public const string SectionName = "Inference";

    /// <summary>The longest deadline that a request may ask for.</summary>
    public static readonly TimeSpan MaxTimeout = TimeSpan.FromHours(1);

    /// <summary>The deadline of a request that names none.</summary>
    /// <value>30 seconds.</value>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan DefaultTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The most requests of this process that may be under way at once; one more is refused.</summary>
    /// <value>4096.</value>
    [Range(1, 1_000_000)]
    public int MaxInFlight { get; set; } = 4096;

    /// <summary>
    /// The most rows of one request. One that has more than its model takes at once is sent to the model's devices in parts; this bounds
    /// their number. What a model takes at once is always admitted.
    /// </summary>
    /// <value>16,384.</value>
    [Range(1, 1_000_000)]
    public int MaxRowsPerRequest { get; set; } = 16_384;

    /// <summary>
    /// Whether a model that this process's own silo has loaded is handed its requests without a grain call. It saves most of what the
    /// cluster costs, but the dashboard does not see such requests.
    /// </summary>
    /// <value>true.</value>
    public bool DirectCalls { get; set; } = true;
}

[OptionsValidator]
internal sealed partial class InferenceClientOptionsValidator : IValidateOptions<InferenceClientOptions>;
