using Microsoft.ML.Tokenizers;

using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Processing;

/// <summary>Reads a tokenizer from the files of a model's folder: <c>tokenizer</c>.</summary>
internal static class VocabularyReader
{
    /// <summary>The largest that are in use have a few megabytes.</summary>
    private const int MaxFileBytes = 64 * 1024 * 1024;

    private const string PaddingToken = "<pad>", UnknownToken = "<unk>";

    /// <summary>Stands in where a mistake has been reported.</summary>
    public static readonly TextVocabulary None = new(WordPiece.Empty, [], [], 0);

    public static TextVocabulary Read(JsonSection section, string folder)
    {
        var kind = section.OneOf("kind", "", ("wordpiece", "wordpiece"), ("bpe", "bpe"), ("sentencepiece", "sentencepiece"));
        if (!section.Has("kind")) section.Error("kind", "is missing");
        var file = ReadFile(section, "file", folder);
        var vocabulary = kind switch
        {
            "wordpiece" => ReadWordPiece(section, file),
            "bpe" => ReadBytePairs(section, file, ReadFile(section, "merges", folder)),
            "sentencepiece" => ReadSentencePiece(section, file),
            _ => null,
        };
        var padding = section.Integer("pad_id", vocabulary?.Padding ?? 0, 0, int.MaxValue);
        if (vocabulary is null) return None;
        if (padding < 0 && !section.Has("pad_id")) section.Error("pad_id", $"is missing: the vocabulary has no {PaddingToken}");
        return vocabulary with { Padding = padding };
    }

    private static TextVocabulary? ReadWordPiece(JsonSection section, string? file)
    {
        var lowerCase = section.Boolean("lower_case", true);
        return file is null ? null : Try(section, "file", file, () =>
        {
            var tokenizer = WordPiece.Read(file, lowerCase);
            return new TextVocabulary(tokenizer, [tokenizer.ClassificationTokenId], [tokenizer.SeparatorTokenId], tokenizer.PaddingTokenId);
        });
    }

    private static TextVocabulary? ReadBytePairs(JsonSection section, string? file, string? merges)
    {
        var lowerCase = section.Boolean("lower_case", false);
        var (begin, end) = (section.String("begin", ""), section.String("end", ""));
        if (file is null || merges is null) return null;
        var tokenizer = Try(section, "file", file, () => BytePairs.Read(file, merges, lowerCase, UnknownToken));
        return tokenizer is null ? null : Complete(section, tokenizer, tokenizer.Vocabulary, begin, end);
    }

    private static TextVocabulary? ReadSentencePiece(JsonSection section, string? file)
    {
        var (begin, end) = (section.String("begin", "<s>"), section.String("end", ""));
        if (file is null) return null;
        var tokenizer = Try(section, "file", file, () => SentencePieces.Read(file));
        return tokenizer is null ? null : Complete(section, tokenizer, tokenizer.Vocabulary, begin, end);
    }

    /// <summary>Of kinds whose special tokens the vocabulary does not tell.</summary>
    private static TextVocabulary Complete(
        JsonSection section, Tokenizer tokenizer, IReadOnlyDictionary<string, int> vocabulary, string begin, string end) => new(
        tokenizer,
        Find(section, "begin", begin, vocabulary),
        Find(section, "end", end, vocabulary),
        vocabulary.GetValueOrDefault(PaddingToken, -1));

    private static int[] Find(JsonSection section, string field, string token, IReadOnlyDictionary<string, int> vocabulary)
    {
        if (token.Length == 0) return [];
        if (vocabulary.TryGetValue(token, out var id)) return [id];
        section.Error(field, $"the vocabulary has no '{token}'");
        return [];
    }

    /// <summary>The path of a file in the model's folder; null where it cannot be read.</summary>
    private static string? ReadFile(JsonSection section, string field, string folder)
    {
        var name = section.String(field);
        if (!section.Has(field)) return null;
        var path = Path.Combine(folder, name);
        if (name != Path.GetFileName(name) || !File.Exists(path))
            section.Error(field, $"there is no file '{name}' in the model's folder");
        else if (new FileInfo(path).Length is > MaxFileBytes and var length)
            section.Error(field, $"'{name}' has {length} bytes, the limit is {MaxFileBytes}");
        else
            return path;
        return null;
    }

    private static T? Try<T>(JsonSection section, string field, string file, Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception exception)
        {
            // The package throws whatever its parsers stumble over.
            section.Error(field, $"'{Path.GetFileName(file)}' is no such tokenizer's file: {exception.Message}");
            return null;
        }
    }
}
