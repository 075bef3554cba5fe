using System.ComponentModel.DataAnnotations;

using Microsoft.Extensions.Options;

using OrleansInference.Client;

namespace OrleansInference.AspNetCore;

/// <summary>The section <c>Inference:FrontDoor</c>.</summary>
public sealed class FrontDoorOptions
{
    /// <summary>The configuration section.</summary>
    public const string SectionName = "Inference:FrontDoor";

    /// <summary>Whether the silo program serves REST and gRPC itself.</summary>
    /// <value>true.</value>
    public bool Enabled { get; set; } = true;

    /// <summary>Where to serve REST.</summary>
    /// <value><c>http://localhost:8000</c>.</value>
    [Required, RegularExpression("^https?://[^/]+/?$")]
    public string Http { get; set; } = "http://localhost:8000";

    /// <summary>Where to serve gRPC, over HTTP/2 alone; empty for nowhere.</summary>
    /// <value><c>http://localhost:8001</c>.</value>
    [RegularExpression("^https?://[^/]+/?$")]
    public string Grpc { get; set; } = "http://localhost:8001";

    /// <summary>The largest request in bytes, as sent and as decoded to tensors.</summary>
    /// <value>64 MiB.</value>
    [Range(1, int.MaxValue)]
    public int MaxRequestBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>The most bytes of requests that are held while they are read; a request beyond is refused.</summary>
    /// <value>1 GiB.</value>
    [Range(1, long.MaxValue)]
    public long MaxHeldBytes { get; set; } = 1024 * 1024 * 1024;

    /// <summary>The most requests of one call with many that are under way; the next is read when an answer has been written.</summary>
    /// <value>64.</value>
    [Range(1, 4096)]
    public int MaxInFlightPerCall { get; set; } = FanOutOptions.DefaultMaxInFlight;
}

[OptionsValidator]
internal sealed partial class FrontDoorOptionsValidator : IValidateOptions<FrontDoorOptions>;
