using System.Security.Cryptography;
using System.Text;

using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Verification;

/// <summary>
/// Has a verifier look at the same thing once: a version of which another, with the same files and the same network's inputs and outputs,
/// has passed in this process. What has failed is verified again, since its reason may name the model, and may be gone.
/// </summary>
/// <param name="verifier">Verifies what is new.</param>
/// <param name="capacity">How many verifications that were passed are remembered; one more has the oldest forgotten.</param>
internal sealed class RememberingVerifier(IModelVerifier verifier, int capacity = RememberingVerifier.DefaultCapacity) : IModelVerifier
{
    public const int DefaultCapacity = 16_384;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ModelVerification> _passed = new(StringComparer.Ordinal);
    private readonly Queue<string> _oldestFirst = new();
    private readonly Dictionary<string, Task> _underWay = new(StringComparer.Ordinal);

    public async Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        // Without its files there is nothing to remember it by; the verifier says what is wrong with them.
        if (await ChecksumAsync(version, cancellationToken) is not { } checksum) return await verifier.VerifyAsync(version, cancellationToken);
        var digest = Describe(version, checksum);
        var verified = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task? other;
        lock (_gate)
        {
            if (_passed.TryGetValue(digest, out var passed)) return passed;
            if (!_underWay.TryGetValue(digest, out other)) _underWay.Add(digest, verified.Task);
        }

        if (other is not null)
        {
            await other.WaitAsync(cancellationToken);
            lock (_gate)
            {
                if (_passed.TryGetValue(digest, out var passed)) return passed;
            }

            // The other has not passed, or has given up: this one is verified for itself, beside all that have waited too.
            return await VerifyNewAsync(version, digest, checksum, cancellationToken);
        }

        try
        {
            return await VerifyNewAsync(version, digest, checksum, cancellationToken);
        }
        finally
        {
            lock (_gate) _underWay.Remove(digest);
            verified.SetResult();
        }
    }

    private async Task<ModelVerification> VerifyNewAsync(
        ModelVersion version, string digest, string checksum, CancellationToken cancellationToken)
    {
        var verification = await verifier.VerifyAsync(version, cancellationToken) with { Checksum = checksum };
        // A file that was changed meanwhile may not be the one that has passed.
        if (verification.Reason is null && await ChecksumAsync(version, cancellationToken) == checksum) Remember(digest, verification);
        return verification;
    }

    private void Remember(string digest, ModelVerification verification)
    {
        lock (_gate)
        {
            if (!_passed.TryAdd(digest, verification)) return;
            _oldestFirst.Enqueue(digest);
            if (_oldestFirst.Count > capacity) _passed.Remove(_oldestFirst.Dequeue());
        }
    }

    /// <summary>The checksum of the version's files; null where they cannot be read.</summary>
    private static Task<string?> ChecksumAsync(ModelVersion version, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            try
            {
                return VersionChecksum.Compute(version);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        },
        cancellationToken);

    /// <summary>
    /// All that a verification depends on: the version's files, and of its configuration what says how they are run. The names come last and
    /// behind their length, so that none can pass for another tensor.
    /// </summary>
    private static string Describe(ModelVersion version, string checksum)
    {
        var text = new StringBuilder(checksum).Append('\n').Append(version.Config.Platform).Append('\n');
        foreach (var signature in new[] { version.Network, version.FileSignature }) Describe(text, signature);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static void Describe(StringBuilder text, ModelSignature network)
    {
        text.Append(network.MaxBatchSize);
        foreach (var (kind, tensors) in new[] { ("in", network.Inputs), ("out", network.Outputs) })
        {
            foreach (var tensor in tensors)
            {
                text.Append('\n').Append(kind).Append(' ').Append(tensor.DataType.ToProtocolName())
                    .Append(tensor.AnyRank ? "[*]" : TensorShape.Format(tensor.Shape))
                    .Append(tensor.Name.Length).Append(':').Append(tensor.Name);
            }
        }
    }
}
