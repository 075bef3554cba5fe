using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

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
        if (await IdentifyAsync(version, cancellationToken) is not var (checksum, digest)) return await verifier.VerifyAsync(version, cancellationToken);
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
        if (verification.Reason is null && await IdentifyAsync(version, cancellationToken) == (checksum, digest)) Remember(digest, verification);
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

    /// <summary>The checksum of the version's files, and what its verification is remembered by; null where the files cannot be read.</summary>
    private static Task<(string Checksum, string Digest)?> IdentifyAsync(ModelVersion version, CancellationToken cancellationToken) => Task.Run(
        (string, string)? () =>
        {
            try
            {
                var checksum = VersionChecksum.Compute(version);
                return (checksum, Describe(version, checksum));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        },
        cancellationToken);

    /// <summary>
    /// All that a verification depends on: the version's files, and of its configuration what says how they are run, and on which samples. The names come last and
    /// behind their length, so that none can pass for another tensor.
    /// </summary>
    private static string Describe(ModelVersion version, string checksum)
    {
        var text = new StringBuilder(checksum).Append('\n').Append(version.Config.Platform).Append('\n');
        foreach (var signature in new[] { version.Network, version.FileSignature }) Describe(text, signature);
        text.Append('\n').Append(JsonSerializer.Serialize(version.Config.Warmup));
        var samples = version.Config.Warmup.SelectMany(sample => sample.Inputs).Select(input => input.File).OfType<string>();
        foreach (var file in samples)
            text.Append('\n').Append(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(version.ModelFolder, WarmupReader.Folder, file)))));
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
