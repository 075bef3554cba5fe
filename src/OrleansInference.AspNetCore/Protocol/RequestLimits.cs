using OrleansInference.Client;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>What a request may be, the same over REST and gRPC.</summary>
internal static class RequestLimits
{
    public const int MaxRank = 32;

    /// <summary>The most inputs of a request, and the most outputs it may ask for.</summary>
    public const int MaxTensors = 1024;

    private const int MaxRoutingKey = 1024;

    public static readonly long MaxTimeoutMicroseconds = (long)InferenceClientOptions.MaxTimeout.TotalMicroseconds;

    /// <summary>A timeout as requests give it; 0 stands for none.</summary>
    public static TimeSpan? ToTimeout(long microseconds) =>
        microseconds == 0 ? null : TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>A priority as requests give it. What is beyond any level is no error, but none of them.</summary>
    public static int ToPriority(long priority) => (int)Math.Min(priority, int.MaxValue);

    /// <summary>The value of a parameter by which a model keeps requests together.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: it is too long.</exception>
    public static string ToRoutingKey(string parameter, string value) => value.Length <= MaxRoutingKey ? value : throw new InferenceException(
        InferenceError.InvalidArgument, $"parameter '{parameter}' has {value.Length} characters, the limit is {MaxRoutingKey}");

    /// <summary>All tensors together are larger than they may be.</summary>
    public static InferenceException TooLarge(string input, ReadOnlySpan<long> shape, int maxBytes) => new(
        InferenceError.TooLarge,
        $"the tensors of the request exceed the maximum allowed of {maxBytes} bytes with input '{input}' of shape {TensorShape.Format(shape)}");

    /// <summary>What a tensor said of itself as it was made: its bytes do not fit its shape.</summary>
    public static InferenceException Misfit(ArgumentException exception) =>
        new(InferenceError.InvalidArgument, exception.Message.Split(" (Parameter")[0], exception);
}
