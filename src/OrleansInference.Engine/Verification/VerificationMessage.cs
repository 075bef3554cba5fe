using System.Globalization;
using System.Security.Cryptography;

namespace OrleansInference.Engine.Verification;

/// <summary>
/// What the child tells its parent, as the last thing it prints, between two words that the parent has made up and given it alone: a model may
/// print whatever it likes, and end the process with whatever exit code.
/// </summary>
internal static class VerificationMessage
{
    /// <summary>Less than <see cref="OutputTail"/> keeps, with room for what native code has printed before and is written out later.</summary>
    public const int MaxReason = 4096;

    private const string SoundMark = " sound ";
    private const string BrokenMark = " broken ";

    public static string NewWord() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    public static string Sound(string word, long memoryBytes) =>
        string.Create(CultureInfo.InvariantCulture, $"\n{word}{SoundMark}{memoryBytes} {word}\n");

    public static string Broken(string word, string reason) =>
        $"\n{word}{BrokenMark}{(reason.Length > MaxReason ? reason[..MaxReason] : reason)} {word}\n";

    /// <summary>Finds the message in what the child has printed; null where it has not come to say anything.</summary>
    public static ModelVerification? Find(string output, string word)
    {
        if (output.Split(word) is not [.., var said, _]) return null;
        if (said.StartsWith(BrokenMark, StringComparison.Ordinal)) return ModelVerification.Broken(said[BrokenMark.Length..].Trim());
        return said.StartsWith(SoundMark, StringComparison.Ordinal) &&
            long.TryParse(said[SoundMark.Length..].TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out var memoryBytes)
            ? ModelVerification.Sound(memoryBytes)
            : null;
    }
}
