using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Processing;

/// <summary>Reads how a text becomes tokens.</summary>
internal static class TextReader
{
    private const int MaxLength = 65_536;

    public static TextPreprocessing Read(JsonSection preprocessing, string input, string folder)
    {
        var ids = preprocessing.String("input_ids");
        var mask = ReadOptional(preprocessing, "attention_mask");
        var types = ReadOptional(preprocessing, "token_type_ids");
        // Any other value than an object is an error of its own, and nothing follows from it.
        if (preprocessing.Section("tokenizer") is not { } section)
            return new(input, ids, mask, types, VocabularyReader.None) { MaxLength = 1, IsFilledToMaxLength = false, IsCut = false };

        var vocabulary = VocabularyReader.Read(section, folder);
        var least = vocabulary.Begin.Count + vocabulary.End.Count + 1;
        if (!section.Has("max_length")) section.Error("max_length", "is missing");
        var text = new TextPreprocessing(input, ids, mask, types, vocabulary)
        {
            MaxLength = section.Integer("max_length", least, least, MaxLength),
            IsFilledToMaxLength = section.OneOf("padding", true, ("max_length", true), ("longest", false)),
            IsCut = section.Boolean("truncation", true),
        };
        section.RejectUnknown();
        return text;
    }

    private static string? ReadOptional(JsonSection section, string field) => section.Has(field) ? section.String(field) : null;
}
