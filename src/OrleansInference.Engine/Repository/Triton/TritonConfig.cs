using System.Text;
using System.Text.Json;

namespace OrleansInference.Engine.Repository.Triton;

/// <summary>Reads a model's <c>config.pbtxt</c>, Triton's configuration in protobuf's text format, as the JSON that it stands for.</summary>
internal static class TritonConfig
{
    public const string FileName = "config.pbtxt";

    /// <summary>The longest file in bytes.</summary>
    public const int MaxLength = 1024 * 1024;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/>: what is wrong, with line and column.</exception>
    public static JsonElement Read(string path)
    {
        // No more is read than may be: the file may still grow.
        using var file = File.OpenRead(path);
        var bytes = new byte[MaxLength + 1];
        var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (length > MaxLength) throw Broken($": is longer than {MaxLength} bytes");
        string text;
        try
        {
            text = Utf8.GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException)
        {
            throw Broken(": is not UTF-8");
        }

        return Parse(text);
    }

    /// <inheritdoc cref="Read"/>
    public static JsonElement Parse(string text)
    {
        try
        {
            var mistakes = new List<TextFormatException>();
            var config = TextFormatMapper.Map(TextFormatReader.Read(text), TritonFields.Model, mistakes);
            if (mistakes.Count == 0) return JsonSerializer.SerializeToElement(config);
            throw Broken(string.Join($"; {FileName}", mistakes.Select(Describe)));
        }
        catch (TextFormatException mistake)
        {
            throw Broken(Describe(mistake));
        }
    }

    private static string Describe(TextFormatException mistake) => $":{mistake.Position}: {mistake.Message}";

    private static InferenceException Broken(string reason) => new(InferenceError.NotReady, FileName + reason);
}
