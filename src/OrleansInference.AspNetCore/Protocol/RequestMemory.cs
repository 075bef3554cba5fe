using System.Diagnostics.CodeAnalysis;

using Microsoft.Extensions.Options;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>The memory of all bodies that are held at once, over REST and gRPC, which is bounded, as that of each is.</summary>
internal sealed class RequestMemory(IOptions<FrontDoorOptions> options)
{
    private long _held;

    /// <summary>What all bodies hold at this moment, in bytes.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>Whether one body may have that size.</summary>
    /// <returns><see cref="InferenceError.TooLarge"/> where it may not.</returns>
    public InferenceException? Check(long size) => size <= options.Value.MaxRequestBytes ? null : new(
        InferenceError.TooLarge,
        $"the request has {size} bytes or more, which exceeds the maximum allowed of {options.Value.MaxRequestBytes} (MaxRequestBytes)");

    /// <summary>Counts the bytes by which a body has grown, until they are released.</summary>
    /// <param name="growth">How many there are.</param>
    /// <param name="refusal"><see cref="InferenceError.QueueFull"/>: all bodies together would be too large.</param>
    public bool TryHold(long growth, [NotNullWhen(false)] out InferenceException? refusal)
    {
        refusal = null;
        if (Interlocked.Add(ref _held, growth) <= options.Value.MaxHeldBytes) return true;
        Release(growth);
        refusal = new(
            InferenceError.QueueFull,
            $"the requests that are being read exceed the maximum allowed of {options.Value.MaxHeldBytes} bytes (MaxHeldBytes)");
        return false;
    }

    public void Release(long bytes) => Interlocked.Add(ref _held, -bytes);
}
